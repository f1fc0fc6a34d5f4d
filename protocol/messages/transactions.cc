#include "protocol/message_print.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/txn_offset_commit.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(AddPartitionsToTxnRequest);
LH_INSTANTIATE_API(AddOffsetsToTxnRequest);
LH_INSTANTIATE_API(EndTxnRequest);
LH_INSTANTIATE_API(TxnOffsetCommitRequest);
LH_INSTANTIATE_API(DescribeProducersRequest);
LH_INSTANTIATE_API(DescribeTransactionsRequest);

}  // namespace longhaul::protocol
