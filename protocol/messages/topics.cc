#include "protocol/message_print.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(CreateTopicsRequest);
LH_INSTANTIATE_API(DeleteTopicsRequest);
LH_INSTANTIATE_API(CreatePartitionsRequest);
LH_INSTANTIATE_API(DeleteRecordsRequest);

}  // namespace longhaul::protocol
