// A JKS store. Whatever is read lies inside the file and is smaller than it; a password only ever takes away;
// a key that opens is the key that was protected.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "net/jks.h"

namespace longhaul::net {
namespace {

bool inside(ConstBytes part, ConstBytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void try_key(const JksKey& key) {
  for (const auto* password : {"keypass", "storepass", ""}) {
    const auto plain = unprotect_jks_key(key.protected_key, password);
    if (plain) LH_CHECK(plain->size() < key.protected_key.size());
  }
}

void try_store(ConstBytes file) {
  const auto store = read_jks(file, std::nullopt);
  const auto checked = read_jks(file, "storepass");
  if (!store) {
    LH_CHECK(!store.error().message().empty());
    LH_CHECK(!checked);
    return;
  }
  LH_CHECK(is_jks(file));
  std::size_t total = 0;
  for (const auto certificate : store->trusted) {
    LH_CHECK(inside(certificate, file));
    total += certificate.size();
  }
  for (const auto& key : store->keys) {
    LH_CHECK(inside(key.protected_key, file));
    total += key.protected_key.size();
    for (const auto certificate : key.chain) {
      LH_CHECK(inside(certificate, file));
      total += certificate.size();
    }
    try_key(key);
  }
  LH_CHECK(total < file.size());
  if (checked)
    LH_CHECK(checked->trusted.size() == store->trusted.size() && checked->keys.size() == store->keys.size());
}

}  // namespace
}  // namespace longhaul::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul;
  const ConstBytes input = std::as_bytes(std::span(data, size));
  net::try_store(input);
  return 0;
}
