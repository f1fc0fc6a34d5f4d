#include "net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "net/error.h"
#include "net/tls_error.h"
#include "net/tls_records.h"

namespace longhaul::net {
namespace {

/// Reads begin small, for most connections are idle most of the time, and grow where reads come in full.
constexpr std::size_t kReceiveMin = std::size_t{16} << 10;
constexpr std::size_t kReceiveMax = std::size_t{128} << 10;
/// What is written at a time: large enough that system calls do not count, small enough for the caches.
constexpr std::size_t kFlushAt = std::size_t{128} << 10;
/// OpenSSL answers key updates and the like on its own. A peer that only ever asks is cut off here.
constexpr std::size_t kPendingMax = std::size_t{4} << 20;

bool is_address(const std::string& host) {
  const std::unique_ptr<ASN1_OCTET_STRING, OpensslFree<&ASN1_OCTET_STRING_free>> address(
      a2i_IPADDRESS(host.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

}  // namespace

/// OpenSSL's view of the stream: memory that is empty at times and takes everything.
class TlsStream::Bio {
 public:
  [[nodiscard]] static BIO* make(TlsStream& stream) {
    auto* bio = BIO_new(method());
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio, &stream);
    BIO_set_init(bio, 1);
    return bio;
  }

 private:
  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      auto* bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "longhaul stream");
      LH_CHECK(bio_method != nullptr);
      BIO_meth_set_read_ex(bio_method, &Bio::read);
      BIO_meth_set_write_ex(bio_method, &Bio::write);
      BIO_meth_set_ctrl(bio_method, &Bio::control);
      return bio_method;
    }();
    return made;
  }

  static int read(BIO* bio, char* into, std::size_t size, std::size_t* read_size) {
    auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const auto available = stream.received_end_ - stream.received_begin_;
    if (available == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    *read_size = std::min(size, available);
    std::memcpy(into, stream.received_.get() + stream.received_begin_, *read_size);
    stream.received_begin_ += *read_size;
    return 1;
  }

  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
    auto& pending = static_cast<TlsStream*>(BIO_get_data(bio))->pending_;
    BIO_clear_retry_flags(bio);
    if (pending.size() + size > kPendingMax) return 0;
    const auto bytes = as_bytes(std::string_view(data, size));
    pending.insert(pending.end(), bytes.begin(), bytes.end());
    *written = size;
    return 1;
  }

  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
};

/// The right to send, from its making to its end.
class TlsStream::WriterTurn {
 public:
  explicit WriterTurn(TlsStream& stream) : stream_(stream) {
    LH_CHECK(!stream_.writing_);
    stream_.writing_ = true;
  }
  ~WriterTurn() {
    stream_.writing_ = false;
    if (stream_.turn_over_.has_waiters()) stream_.turn_over_.notify();
  }
  WriterTurn(const WriterTurn&) = delete;
  WriterTurn& operator=(const WriterTurn&) = delete;

 private:
  TlsStream& stream_;
};

// --- making ---

TlsStream::TlsStream(std::unique_ptr<Stream> plain, std::shared_ptr<const TlsContext> context)
    : plain_(std::move(plain)), context_(std::move(context)) {}

TlsStream::~TlsStream() {
  // OpenSSL takes a connection freed without a farewell for a failed one and spoils its session. Frames say
  // where data ends, so nothing is lost by leaving without one.
  if (handshake_done_ && !failure_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

Result<std::unique_ptr<TlsStream>> TlsStream::make(std::unique_ptr<Stream> plain,
                                                   std::shared_ptr<const TlsContext> context,
                                                   std::string host) {
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(plain), std::move(context)));
  LH_TRY_VOID(stream->set_up(std::move(host)));
  return stream;
}

Result<void> TlsStream::set_up(std::string host) {
  ERR_clear_error();
  notes_.context = &context_->impl();
  notes_.server = host + ' ' + plain_->peer();
  ssl_ = new_ssl(context_->impl(), notes_);
  auto* bio = ssl_ == nullptr ? nullptr : Bio::make(*this);
  if (bio == nullptr) return fail(NetErrc::tls_failed, "{}", openssl_reason());
  SSL_set_bio(ssl_.get(), bio, bio);
  if (context_->impl().role == TlsRole::server) {
    SSL_set_accept_state(ssl_.get());
    return {};
  }
  SSL_set_connect_state(ssl_.get());
  // A fully qualified name may end in a dot; certificates and SNI (RFC 6066) do not have it.
  if (host.ends_with('.')) host.pop_back();
  // The zone of a link-local address says something to this machine only.
  if (host.find(':') != std::string::npos) host = host.substr(0, host.find('%'));
  LH_TRY_VOID(set_host(host));
  notes_.host = std::move(host);
  if (const auto session = context_->impl().sessions.take(notes_.server)) {
    SSL_set_session(ssl_.get(), session.get());
  }
  return {};
}

Result<void> TlsStream::set_host(const std::string& host) {
  const bool address = is_address(host);
  if (!address && SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) != 1) {
    return fail(NetErrc::tls_failed, "host name '{}': {}", host, openssl_reason());
  }
  if (!context_->impl().verify_host) return {};
  auto* parameters = SSL_get0_param(ssl_.get());
  const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str())
                          : X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size());
  // An empty name would switch the comparison off.
  if (set == 1 && !host.empty()) return {};
  return fail(NetErrc::tls_failed, "host name '{}': {}", host, openssl_reason());
}

Error TlsStream::failed(Error error) {
  failure_ = error;
  return error;
}

// --- handshake ---

Result<bool> TlsStream::step() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  if (outcome == 1) return true;
  if (SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_READ) return false;
  return fail(failed(tls_failure(*ssl_, notes_)));
}

Async<void> TlsStream::handshake() {
  while (!handshake_done_) {
    const auto stepped = step();
    {
      const WriterTurn turn(*this);
      const auto flushed = co_await flush();
      // What went wrong here tells more than that the alert about it could not be sent.
      if (!stepped) {
        context_->impl().sessions.forget(notes_.server);
        co_return std::unexpected(stepped.error());
      }
      if (!flushed) co_return fail(failure_before_data(flushed.error(), notes_, false, answered_));
    }
    handshake_done_ = *stepped;
    if (!handshake_done_) LH_CO_TRY_VOID(co_await receive());
  }
  co_return Result<void>{};
}

// --- reading ---

Async<void> TlsStream::receive() {
  if (receiving_) co_return co_await arrived_.wait();
  receiving_ = true;
  auto received = co_await receive_in_turn();
  receiving_ = false;
  if (arrived_.has_waiters()) arrived_.notify();
  co_return received;
}

Async<void> TlsStream::receive_in_turn() {
  LH_CHECK(received_begin_ == received_end_);
  if (received_capacity_ < kReceiveMax && (received_end_ == received_capacity_)) {
    received_capacity_ =
        received_capacity_ == 0 ? kReceiveMin : std::min(4 * received_capacity_, kReceiveMax);
    received_ = std::make_unique_for_overwrite<std::byte[]>(received_capacity_);
  }
  received_begin_ = 0;
  received_end_ = 0;
  auto size = co_await plain_->read_some(MutableBytes(received_.get(), received_capacity_));
  if (!size) {
    auto error = std::move(size).error();
    if (!data_received_) error = failure_before_data(std::move(error), notes_, handshake_done_, answered_);
    if (error.code == NetErrc::closed_by_peer && error.detail.empty()) error.detail = "TLS stream cut off";
    co_return fail(std::move(error));
  }
  received_end_ = *size;
  const ConstBytes begin(received_.get(), received_end_);
  if (!std::exchange(answered_, true)) {
    const bool tls =
        begin.size() >= 3 ? looks_like_tls(begin) : begin[0] == std::byte{21} || begin[0] == std::byte{22};
    if (!tls) co_return fail(failed({NetErrc::not_tls, {}}));
  }
  co_return Result<void>{};
}

Result<std::size_t> TlsStream::decrypt(MutableBytes into) {
  std::size_t total = 0;
  while (total < into.size()) {
    ERR_clear_error();
    std::size_t size = 0;
    const int outcome = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &size);
    if (outcome == 1) {
      total += size;
      data_received_ = true;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), outcome);
    if (error == SSL_ERROR_WANT_READ) break;
    auto why =
        error == SSL_ERROR_ZERO_RETURN ? Error{NetErrc::closed_by_peer, {}} : tls_failure(*ssl_, notes_);
    // Data that came before it is given out first; the next call finds the failure.
    const auto kept = failed(std::move(why));
    if (total == 0) return fail(kept);
    break;
  }
  return total;
}

Async<std::size_t> TlsStream::read_some(MutableBytes into) {
  LH_CHECK(!into.empty());
  const bool is_cancelled = co_await cancelled();
  while (true) {
    if (closed_ || is_cancelled) co_return fail(aborted());
    if (failure_) co_return fail(*failure_);
    LH_CO_TRY(const auto size, decrypt(into));
    if (!pending_.empty() && !writing_) {
      const WriterTurn turn(*this);
      LH_CO_TRY_VOID(co_await flush());
    }
    if (size > 0) co_return size;
    LH_CO_TRY_VOID(co_await receive());
  }
}

// --- writing ---

Result<bool> TlsStream::encrypt(ConstBytes plain) {
  if (closed_) return fail(aborted());
  if (failure_) return fail(*failure_);
  ERR_clear_error();
  std::size_t size = 0;
  const int outcome = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &size);
  if (outcome == 1) {
    LH_CHECK(size == plain.size());
    return true;
  }
  if (SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_READ) return false;
  return fail(failed(tls_failure(*ssl_, notes_)));
}

Async<void> TlsStream::flush() {
  while (!pending_.empty()) {
    in_flight_.clear();
    std::swap(pending_, in_flight_);
    const ConstBytes piece(in_flight_);
    auto written = co_await plain_->write_all(std::span(&piece, 1));
    // The reader may have found out why, by an alert.
    if (!written && failure_ && !is_aborted(written.error())) co_return fail(*failure_);
    LH_CO_TRY_VOID(std::move(written));
  }
  co_return Result<void>{};
}

Async<void> TlsStream::write_all(std::span<const ConstBytes> pieces) {
  if (closed_ || co_await cancelled()) co_return fail(aborted());
  while (writing_) LH_CO_TRY_VOID(co_await turn_over_.wait());
  const WriterTurn turn(*this);
  TlsRecordPlan plan(pieces);
  for (auto run = plan.next(); !run.empty(); run = plan.next()) {
    LH_CO_TRY(bool encrypted, encrypt(run));
    while (!encrypted) {
      LH_CO_TRY_VOID(co_await receive());
      LH_CO_TRY(encrypted, encrypt(run));
    }
    if (pending_.size() >= kFlushAt) LH_CO_TRY_VOID(co_await flush());
  }
  co_return co_await flush();
}

void TlsStream::close() {
  closed_ = true;
  plain_->close();
}

}  // namespace longhaul::net
