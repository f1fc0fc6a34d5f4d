#include "protocol/message_print.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/sync_group.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(JoinGroupRequest);
LH_INSTANTIATE_API(SyncGroupRequest);
LH_INSTANTIATE_API(HeartbeatRequest);
LH_INSTANTIATE_API(LeaveGroupRequest);

}  // namespace longhaul::protocol
