#pragma once

#include "protocol/messages/all.h"
#include "sandbox/core.h"

/// One function per API, each in a file of its own. Those that return nothing answer through `core`, at once
/// or later.
namespace longhaul::sandbox {

[[nodiscard]] protocol::ApiVersionsResponse handle(Core& core, const Call& call,
                                                   const protocol::ApiVersionsRequest& request);
[[nodiscard]] protocol::MetadataResponse handle(Core& core, const Call& call,
                                                const protocol::MetadataRequest& request);
void handle(Core& core, const Call& call, const protocol::ProduceRequest& request);
void handle(Core& core, const Call& call, const protocol::FetchRequest& request);
[[nodiscard]] protocol::CreateTopicsResponse handle(Core& core, const Call& call,
                                                    const protocol::CreateTopicsRequest& request);

}  // namespace longhaul::sandbox
