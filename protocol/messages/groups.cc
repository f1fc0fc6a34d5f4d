#include "protocol/message_print.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(ListGroupsRequest);
LH_INSTANTIATE_API(DescribeGroupsRequest);
LH_INSTANTIATE_API(OffsetCommitRequest);
LH_INSTANTIATE_API(OffsetFetchRequest);

}  // namespace longhaul::protocol
