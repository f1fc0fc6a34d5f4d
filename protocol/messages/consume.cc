#include "protocol/message_print.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/offset_for_leader_epoch.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(FetchRequest);
LH_INSTANTIATE_API(ListOffsetsRequest);
LH_INSTANTIATE_API(OffsetForLeaderEpochRequest);

}  // namespace longhaul::protocol
