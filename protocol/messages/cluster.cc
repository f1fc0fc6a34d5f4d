#include "protocol/message_print.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/metadata.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(MetadataRequest);
LH_INSTANTIATE_API(DescribeClusterRequest);
LH_INSTANTIATE_API(FindCoordinatorRequest);

}  // namespace longhaul::protocol
