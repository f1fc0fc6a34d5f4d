#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "net/event.h"
#include "net/openssl.h"
#include "net/stream.h"
#include "net/tls_context.h"

namespace longhaul::net {

/// TLS over another stream. OpenSSL sees memory only: what arrived is handed to it from `received_`, what it
/// wants sent gathers in `pending_` and leaves in large writes. One core, as every stream.
///
/// Reader and writer share OpenSSL's connection, which is safe because no call of it is interrupted by a
/// suspension. The reader writes too, when a key update asks for an answer, and the writer reads, when it is
/// asked to write in the middle of a long message to OpenSSL itself (a session ticket over several records);
/// `writing_` and `receiving_` keep the two apart.
class TlsStream final : public Stream {
 public:
  /// Null `ssl` when OpenSSL is out of memory. `host` is empty on the server's side.
  [[nodiscard]] static Result<std::unique_ptr<TlsStream>> make(std::unique_ptr<Stream> plain,
                                                               std::shared_ptr<const TlsContext> context,
                                                               std::string host);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// Comes first. After an error the stream is of no use.
  [[nodiscard]] Async<void> handshake();
  /// Whether anything has come from the other side.
  [[nodiscard]] bool answered() const { return answered_; }
  /// For tests.
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

  [[nodiscard]] Async<std::size_t> read_some(MutableBytes into) override;
  [[nodiscard]] Async<void> write_all(std::span<const ConstBytes> pieces) override;
  void close() override;
  [[nodiscard]] const std::string& peer() const override { return plain_->peer(); }

 private:
  class Bio;
  class WriterTurn;

  TlsStream(std::unique_ptr<Stream> plain, std::shared_ptr<const TlsContext> context);
  [[nodiscard]] Result<void> set_up(std::string host);
  [[nodiscard]] Result<void> set_host(const std::string& host);

  /// One step of the handshake; true when it is complete, false when more must be received.
  [[nodiscard]] Result<bool> step();
  /// Decrypts as much of `into` as what was received allows; 0 when more must be received.
  [[nodiscard]] Result<std::size_t> decrypt(MutableBytes into);
  /// Encrypts all of `plain`, or none of it: false when more must be received first.
  [[nodiscard]] Result<bool> encrypt(ConstBytes plain);
  /// Receives at least one byte of what OpenSSL has asked for, or waits while the other direction does that.
  /// OpenSSL must be asked again afterwards.
  [[nodiscard]] Async<void> receive();
  [[nodiscard]] Async<void> receive_in_turn();
  /// Sends all that is pending. The caller has the writer's turn.
  [[nodiscard]] Async<void> flush();
  /// Remembers the failure: after it neither direction goes on.
  [[nodiscard]] Error failed(Error error);

  std::unique_ptr<Stream> plain_;
  std::shared_ptr<const TlsContext> context_;
  TlsNotes notes_;
  SslPtr ssl_;

  std::unique_ptr<std::byte[]> received_;
  std::size_t received_capacity_ = 0;
  std::size_t received_begin_ = 0;
  std::size_t received_end_ = 0;

  std::vector<std::byte> pending_;    ///< encrypted, to be sent
  std::vector<std::byte> in_flight_;  ///< being sent
  Event turn_over_;
  bool writing_ = false;
  Event arrived_;
  bool receiving_ = false;

  bool handshake_done_ = false;
  bool answered_ = false;       ///< anything has been received
  bool data_received_ = false;  ///< data of the other side has been received after the handshake
  bool closed_ = false;
  std::optional<Error> failure_;
};

}  // namespace longhaul::net
