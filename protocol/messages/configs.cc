#include "protocol/message_print.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(DescribeConfigsRequest);
LH_INSTANTIATE_API(IncrementalAlterConfigsRequest);

}  // namespace longhaul::protocol
