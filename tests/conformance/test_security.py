"""Longhaul on protected listeners of Apache Kafka: every way in on either side, every refusal in one clear line, sessions
that are renewed under full traffic. Judged by Kafka's Java client and franz-go, which come in by the same listeners
(Debian's kcat 1.7.1 fails SCRAM-SHA-512 against Kafka 4.3.1 although the credentials are right)."""

import os
import pathlib
import re
import shutil
import time

from .lab_security import (
    KEY_PASSWORD, LISTENERS, MECHANISMS, PASSWORDS, READER, STORE_PASSWORD, WRITER, SecureCluster, jaas)
from .lab_versions import running
from .longhaul import SMALL_LAB, Longhaul, TwoClusters, command, config_file
from .processes import remove_directory, work_directory
from .tools import KafkaTool

# `./check --full` takes the whole three minutes.
REAUTH_SECONDS = 180 if os.environ.get("LONGHAUL_FULL") else 35

KINDS = [("SSL", None), ("MTLS", None), *(("SASL_PLAINTEXT", mechanism) for mechanism in MECHANISMS),
         *(("SASL_SSL", mechanism) for mechanism in MECHANISMS)]


def secured(clusters, flows, settings=None):
    """An mm2.properties: {alias: Listener, or bootstrap and client properties}, {"A->B": topics}, further keys."""
    lines = [f"clusters = {', '.join(clusters)}"]
    for alias, listener in clusters.items():
        lines.append(f"{alias}.bootstrap.servers = {listener.bootstrap}")
        lines += [f"{alias}.{key} = {escaped(value)}" for key, value in listener.client.items()]
    for flow, topics in flows.items():
        lines += [f"{flow}.enabled = true", f"{flow}.topics = {topics}"]
    lines += [f"{key} = {value}" for key, value in {**SMALL_LAB, **(settings or {})}.items()]
    return "\n".join(lines) + "\n"


def escaped(value):
    return value.replace("\\", "\\\\").replace("\n", "\\n\\\n")


class SecureCase(TwoClusters):
    """What the classes below have in common; no clusters by itself."""

    @classmethod
    def setUpClass(cls):
        cls.tool = cls.enterClassContext(KafkaTool())

    def check_quiet(self, text):
        """No password in anything that was printed."""
        for secret in [*PASSWORDS.values(), STORE_PASSWORD, KEY_PASSWORD, "wrong-secret"]:
            self.assertNotIn(secret, text)

    def run_to_the_end(self, config, seconds=90):
        with Longhaul(config, "--until-caught-up") as run:
            self.assertEqual(run.process.wait(seconds), 0, run.tail())
            self.check_no_crash(run)
            self.check_quiet(run.process.output())
            self.assertEqual([line for line in run.problems() if line.level == "ERROR"], [], run.tail())
            return run.summary()

    def fill(self, cluster, topic, count=400, partitions=2, replication=1):
        self.tool.create_topic(cluster, topic, partitions, replication=replication)
        self.tool.bulk(cluster, topic, count, partitions=partitions, linger_ms=5, seed=sum(topic.encode()))

    def same(self, source, topic, target, remote, count):
        found = self.assert_same(topic, remote, readers=("java", "franz-go"), source=source, target=target)
        self.assertEqual(sum(records for records, _ in found.values()), count)


class ListenersTest(SecureCase):
    """One pair of clusters with all listeners, for everything that needs one broker a side."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a, cls.b = cls.enterClassContext(running(
            SecureCluster("A", LISTENERS, heap="640m"), SecureCluster("B", LISTENERS, heap="640m")))
        for cluster in (cls.a, cls.b):
            cls.tool.create_topic(cluster, "seen", 1)
        cls.pki = cls.a.pki

    # --- every way in -----------------------------------------------------------------------------------------------

    def test_every_listener_as_source_and_as_target(self):
        """Each kind is a source once and a target once, with another kind on the other side: a bridge between them."""
        for number, kind in enumerate(KINDS):
            other = KINDS[(number + 3) % len(KINDS)]
            with self.subTest(source=kind, target=other):
                source, target = self.a.on(*kind, READER), self.b.on(*other, WRITER)
                self.fill(source, f"way-{number}")
                self.run_to_the_end(secured({f"w{number}": source, "B": target}, {f"w{number}->B": f"way-{number}"}))
                self.same(source, f"way-{number}", target, f"w{number}.way-{number}", 400)

    def plan(self, source, target=None):
        target = target or self.b.on("SSL")
        done = command("plan", config=secured({"A": source, "B": target}, {"A->B": "seen"}), seconds=60)
        self.check_quiet(done.stdout + done.stderr)
        return done

    def test_stores_of_every_kind(self):
        trust = {
            "JKS": {"ssl.truststore.location": self.pki.path("truststore.jks"), "ssl.truststore.type": "JKS",
                    "ssl.truststore.password": STORE_PASSWORD},
            "JKS without its password": {"ssl.truststore.location": self.pki.path("truststore.jks")},
            "PKCS12 called JKS": {"ssl.truststore.location": self.pki.path("truststore-pkcs12.jks"),
                                  "ssl.truststore.type": "JKS", "ssl.truststore.password": STORE_PASSWORD},
            "PEM file": {"ssl.truststore.location": self.pki.path("authority.pem"), "ssl.truststore.type": "PEM"},
            "PEM in the value": {"ssl.truststore.certificates": self.pki.text("authority.pem"),
                                 "ssl.truststore.type": "PEM"},
        }
        identity = {
            "PKCS12": {"ssl.keystore.location": self.pki.path("keystore.p12"), "ssl.keystore.password": STORE_PASSWORD},
            "PEM file": {"ssl.keystore.location": self.pki.path("client.pem"), "ssl.keystore.type": "PEM"},
            "PEM in the values": {"ssl.keystore.key": self.pki.text("client.key"),
                                  "ssl.keystore.certificate.chain": self.pki.text("client.chain")},
            "encrypted PEM in the values": {"ssl.keystore.key": self.pki.text("client-encrypted.key"),
                                            "ssl.keystore.certificate.chain": self.pki.text("client.chain"),
                                            "ssl.key.password": KEY_PASSWORD},
        }
        listener = self.a.on("MTLS")
        cases = [(name, {**stores, **identity["PKCS12"]}) for name, stores in trust.items()]
        cases += [(name, {**trust["PEM file"], **stores}) for name, stores in identity.items()]
        for name, stores in cases:
            with self.subTest(name):
                listener.client = {"security.protocol": "SSL", **stores}
                done = self.plan(listener)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("seen -> A.seen", done.stdout)

    def test_roles_addresses_and_versions(self):
        """Roles may come in as different users; addresses and single TLS versions are as good as names and all."""
        source = self.a.on("SASL_SSL", "PLAIN", READER)
        source.bootstrap = self.a.addresses("SASL_SSL", "127.0.0.1")
        source.client.update({"admin.sasl.mechanism": "SCRAM-SHA-512",
                              "admin.sasl.jaas.config": jaas("SCRAM-SHA-512", WRITER, PASSWORDS[WRITER]),
                              "ssl.enabled.protocols": "TLSv1.2",
                              "ssl.cipher.suites": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"})
        target = self.b.on("SSL")
        target.client["ssl.enabled.protocols"] = "TLSv1.3"
        self.fill(self.a, "roles")
        self.run_to_the_end(secured({"roles": source, "B": target}, {"roles->B": "roles"}))
        self.same(self.a.on("SSL"), "roles", target, "roles.roles", 400)

    def test_generate_and_verify_take_the_same_settings(self):
        source, target = self.a.on("SASL_SSL", "SCRAM-SHA-256", WRITER), self.b.on("MTLS")
        directory = work_directory("client")
        self.addCleanup(remove_directory, directory)
        file = directory / "client.properties"
        file.write_text("".join(f"{key}={escaped(value)}\n" for key, value in source.client.items()))
        done = command("generate", source.bootstrap, "--command-config", file, "--topic", "made:2", "--records", "5000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_quiet(done.stdout + done.stderr)
        config = secured({"gen": source, "B": target}, {"gen->B": "made"})
        self.run_to_the_end(config)
        self.same(source, "made", target, "gen.made", 5000)
        done = command("verify", config=config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("5000 records compared", done.stdout)

    # --- refusals ---------------------------------------------------------------------------------------------------

    def check_refused(self, name, listener, pattern, change=None):
        """On either side: one line that matches, and a program that keeps calm and ends when it is told to."""
        for side in ("source", "target"):
            with self.subTest(name, side=side):
                wrong = listener(self.a if side == "source" else self.b)
                wrong.client.update(change or {})
                good = self.b.on("SSL") if side == "source" else self.a.on("SSL")
                clusters = {"A": wrong, "B": good} if side == "source" else {"A": good, "B": wrong}
                with Longhaul(secured(clusters, {"A->B": "seen"})) as run:
                    line = run.wait_line(pattern, 30)
                    self.assertIn(f"cluster {'A' if side == 'source' else 'B'}", line.text)
                    run.terminate()
                    self.assertIn(run.process.wait(20), (0, 1), run.tail())
                    self.check_no_crash(run)
                    self.check_quiet(run.process.output())
                    about = [found for found in run.problems() if re.search(pattern, found.text)]
                    self.assertLessEqual(len(about), 2, f"one line, and one at the end:\n{run.tail()}")

    def test_an_untrusted_certificate(self):
        self.check_refused("untrusted", lambda cluster: cluster.on("SSL"), r"certificate not trusted",
                           {"ssl.truststore.location": self.pki.path("stranger.jks")})

    def test_an_expired_certificate(self):
        self.check_refused("expired", lambda cluster: cluster.on("EXPIRED"), r"certificate expired")

    def test_a_certificate_for_another_host(self):
        self.check_refused("host", lambda cluster: cluster.on("OTHER_HOST"),
                           r"other\.example.*certificate is for another host")

    def test_a_certificate_for_another_host_passes_where_names_are_not_compared(self):
        listener = self.a.on("OTHER_HOST")
        listener.client["ssl.endpoint.identification.algorithm"] = ""
        done = self.plan(listener)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("A.ssl.endpoint.identification.algorithm: empty", done.stderr)

    def test_a_wrong_password(self):
        for mechanism in MECHANISMS:
            self.check_refused(f"password of {mechanism}",
                               lambda cluster, m=mechanism: cluster.on("SASL_PLAINTEXT", m),
                               r"(?i)authentication failed|invalid (credentials|username or password)",
                               {"sasl.jaas.config": jaas(mechanism, READER, "wrong-secret")})

    def test_a_wrong_mechanism(self):
        self.check_refused("mechanism", lambda cluster: cluster.on("ONLY_PLAIN", "SCRAM-SHA-512"),
                           r"SCRAM-SHA-512.*\bPLAIN\b")

    def test_tls_to_a_plain_port(self):
        def plain_port(cluster):
            listener = cluster.on("SSL")
            listener.bootstrap = cluster.bootstrap
            return listener

        self.check_refused("TLS to plain", plain_port, r"(?i)does not speak TLS|without TLS|expects no TLS")

    def test_plain_to_a_tls_port(self):
        self.check_refused("plain to TLS", lambda cluster: cluster.on("SSL"), r"security\.protocol SSL|maybe a TLS",
                           {"security.protocol": "PLAINTEXT"})

    def test_no_sasl_where_it_is_demanded(self):
        def without_protection(cluster):
            listener = cluster.on("SASL_PLAINTEXT", "PLAIN")
            listener.client = {}
            return listener

        self.check_refused("no SASL", without_protection, "asks for SASL authentication")

    def test_a_missing_client_certificate(self):
        def without_identity(cluster):
            listener = cluster.on("MTLS")
            listener.client = {key: value for key, value in listener.client.items()
                               if not key.startswith("ssl.key")}
            return listener

        self.check_refused("client certificate", without_identity, r"(?i)client certificate")

    # --- what is wrong with the file itself -------------------------------------------------------------------------

    def check_file(self, listener, change, *words):
        listener.client.update(change)
        done = self.plan(listener)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        error = [line for line in done.stderr.splitlines() if line.startswith("longhaul: ")]
        self.assertEqual(len(error), 1, done.stderr)
        for word in words:
            self.assertIn(word, error[0])

    def test_stores_that_cannot_be_used(self):
        directory = work_directory("stores")
        self.addCleanup(remove_directory, directory)
        whole = pathlib.Path(self.pki.path("truststore.jks")).read_bytes()
        (directory / "cut.jks").write_bytes(whole[:len(whole) // 2])
        (directory / "noise.jks").write_bytes(b"this is no key store\n" * 20)
        for name, words in (("missing.jks", "No such file"), ("cut.jks", "truncated"),
                            ("noise.jks", "neither PEM nor PKCS12 nor JKS"), ("", "directory")):
            with self.subTest(name):
                self.check_file(self.a.on("SSL"), {"ssl.truststore.location": f"{directory}/{name}"},
                                "mm2.properties:", "A.ssl.truststore.location", words)
        for store in ("truststore.jks", "truststore-pkcs12.jks"):
            with self.subTest(store):
                self.check_file(self.a.on("SSL"), {"ssl.truststore.location": self.pki.path(store),
                                                   "ssl.truststore.password": "wrong-secret"},
                                "A.ssl.truststore.password", "wrong store password")
        self.check_file(self.a.on("MTLS"), {"ssl.keystore.password": "wrong-secret"}, "A.ssl.keystore.password",
                        "wrong store password")
        self.check_file(self.a.on("MTLS"), {"ssl.keystore.location": self.pki.path("truststore.jks")},
                        "A.ssl.keystore.location", "no private key")
        if os.geteuid() != 0:
            shutil.copy(self.pki.path("truststore.jks"), directory / "unreadable.jks")
            (directory / "unreadable.jks").chmod(0)
            self.check_file(self.a.on("SSL"), {"ssl.truststore.location": f"{directory}/unreadable.jks"},
                            "A.ssl.truststore.location", "Permission denied")

    def test_settings_that_cannot_be_used(self):
        scram = lambda: self.a.on("SASL_SSL", "SCRAM-SHA-512")  # noqa: E731
        self.check_file(scram(), {"sasl.mechanism": "GSSAPI"}, "A.sasl.mechanism", "GSSAPI is not served")
        self.check_file(scram(), {"sasl.jaas.config": "ScramLoginModule required username=\"u\""},
                        "A.sasl.jaas.config", "does not end with ';'")
        self.check_file(scram(), {"ssl.cipher.suites": "TLS_NO_SUCH_SUITE"}, "A.ssl.cipher.suites",
                        "TLS_NO_SUCH_SUITE")

    # --- sessions that end ------------------------------------------------------------------------------------------

    def test_sessions_are_renewed_under_full_traffic(self):
        """Sessions of ten seconds on both sides while records come as fast as they can be made: no line, no loss."""
        source = self.a.on("REAUTH", "SCRAM-SHA-512", READER)
        target = self.b.on("REAUTH", "SCRAM-SHA-512", WRITER)
        directory = work_directory("client")
        self.addCleanup(remove_directory, directory)
        file = directory / "client.properties"
        file.write_text("".join(f"{key}={escaped(value)}\n" for key, value in source.client.items()))
        self.tool.create_topic(self.a, "full", 4, configs={"segment.bytes": str(256 << 20)})
        config = secured({"re": source, "B": target}, {"re->B": "full"})
        with Longhaul(config) as run:
            made = command("generate", source.bootstrap, "--command-config", file, "--topic", "full", "--mix", "plain",
                           "--size", "1000", "--codec", "lz4", "--duration", REAUTH_SECONDS, "--threads", "1",
                           seconds=REAUTH_SECONDS + 120)
            self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
            self.assertNotRegex(made.stderr, "WARN|ERROR")
            count = self.held(self.a, "full", 4)
            self.assertGreater(count, 0)
            self.wait_held(self.b, "re.full", 4, count, seconds=120, run=run)
            # A moment of quiet, longer than a session: an idle connection is renewed too.
            time.sleep(12)
            run.terminate()
            self.assertEqual(run.process.wait(30), 0, run.tail())
            # Lines about keys of the file name it; nothing else may be said.
            self.assertEqual([line for line in run.problems() if "mm2.properties: " not in line.text], [], run.tail())
            self.assertEqual(run.summary()["flows"][0]["records"], count)
        self.assertEqual(self.held(self.b, "re.full", 4), count, "lost or duplicate records")
        done = command("verify", config=config, seconds=600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{count} records compared", done.stdout)
        self.assertEqual(self.digest("java", source, "full", "read_uncommitted"),
                         self.digest("java", target, "re.full", "read_uncommitted"))
        for cluster, topic in ((self.a, "full"), (self.b, "re.full")):
            self.tool.delete_topic(cluster, topic)


class ProductionTest(SecureCase):
    """tests/configs/production.properties between clusters of three brokers: only host names and paths are replaced."""

    def test_production(self):
        source, target = self.enterContext(running(
            SecureCluster("source", ["SASL_SSL"], brokers=3, heap="320m"),
            SecureCluster("target", ["SASL_SSL"], brokers=3, heap="320m")))
        etc = work_directory("etc")
        self.addCleanup(remove_directory, etc)
        for name, secret in (("source-password", PASSWORDS[READER]), ("target-password", PASSWORDS[WRITER]),
                             ("truststore-password", STORE_PASSWORD)):
            (etc / f"{name}.txt").write_text(f"password={secret}\n")
        shutil.copy(source.pki.path("truststore.jks"), etc / "truststore.jks")
        text = config_file("production.properties").replace("/etc/longhaul/", f"{etc}/")
        for alias, cluster in (("source", source), ("target", target)):
            hosts = ",".join(f"{alias}-kafka-{number}:9093" for number in (1, 2, 3))
            self.assertIn(hosts, text)
            text = text.replace(hosts, cluster.addresses("SASL_SSL"))
        reader, writer = (source.on("SASL_SSL", "SCRAM-SHA-512", READER),
                          target.on("SASL_SSL", "SCRAM-SHA-512", WRITER))
        topics = ("orders.eu", "inventory", "shipments-2")
        for topic in topics:
            self.fill(source, topic, partitions=3, replication=3)
        for topic in ("payments", "orders.internal", "orders.replica"):
            self.fill(source, topic, count=10, partitions=1)
        with Longhaul(text, "--until-caught-up") as run:
            self.assertEqual(run.process.wait(120), 0, run.tail())
            self.check_no_crash(run)
            self.check_quiet(run.process.output())
            self.check_warnings(run)
        for topic in topics:
            self.same(reader, topic, writer, f"source.{topic}", 400)
            self.assertEqual(self.tool.describe(target, f"source.{topic}")["replication"], 3)
        mirrored = [topic for topic in self.tool.topics(target) if topic.startswith("source.")]
        self.assertEqual(mirrored, sorted(f"source.{topic}" for topic in topics))
        done = command("verify", config=text)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1200 records compared; 9 partitions the same", done.stdout)
        done = command("config", config=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("[hidden]", done.stdout)
        self.check_quiet(done.stdout + done.stderr)

    def check_warnings(self, run):
        """One line for each kind of thing that is not as the file asks, nothing else."""
        kinds = ["not served yet by this version", "without effect in Longhaul", "ignored at this place",
                 "exactly.once.support: MirrorMaker 2 refuses", "exactly.once.support: MirrorMaker 2 recommends",
                 "topics.blacklist: legacy spelling"]
        problems = run.problems()
        for kind in kinds:
            self.assertEqual(len([line for line in problems if kind in line.text]), 1, f"{kind}\n{run.tail()}")
        self.assertEqual(len(problems), len(kinds), run.tail())
