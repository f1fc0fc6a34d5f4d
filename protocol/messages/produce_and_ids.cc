#include "protocol/message_print.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(ProduceRequest);
LH_INSTANTIATE_API(InitProducerIdRequest);

}  // namespace longhaul::protocol
