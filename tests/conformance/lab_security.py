"""Clusters with protected listeners: TLS, mutual TLS, SASL PLAIN and SCRAM, and listeners that are wrong on purpose.

    with SecureCluster("A", ["SSL", "SASL_SSL"]) as a: tool.digest(a.on("SASL_SSL", "SCRAM-SHA-512"), "orders")

Every cluster keeps a plain listener beside them for its own brokers and for the laboratory. Certificates are issued by
openssl, key stores are made by the real keytool; both once, into .lab/pki.
"""

import shutil
import subprocess

from .lab import KafkaCluster
from .processes import LAB, LabError, build_lock, free_port

READER, WRITER = "mirror-reader", "mirror-writer"
# With what has to be quoted somewhere on the way, but not in the file that a config provider reads.
PASSWORDS = {READER: "reader's own = secret", WRITER: "writer-secret"}
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
STORE_PASSWORD, KEY_PASSWORD = "store-secret", "store-secret"  # keytool gives a PKCS12 key its store's password

# Listener: (security.protocol, certificate, further settings of the listener).
LISTENERS = {
    "SSL": ("SSL", "server", {}),
    "MTLS": ("SSL", "server", {"ssl.client.auth": "required"}),
    "EXPIRED": ("SSL", "expired", {}),
    "OTHER_HOST": ("SSL", "other-host", {}),
    "SASL_PLAINTEXT": ("SASL_PLAINTEXT", None, {}),
    "SASL_SSL": ("SASL_SSL", "server", {}),
    "ONLY_PLAIN": ("SASL_PLAINTEXT", None, {"sasl.enabled.mechanisms": "PLAIN"}),
    "REAUTH": ("SASL_SSL", "server", {f"{mechanism.lower()}.connections.max.reauth.ms": "10000"
                                      for mechanism in MECHANISMS}),
}


class Pki:
    """Certificates and stores of the laboratory, by path."""

    def __init__(self):
        self.directory = LAB / "pki"
        with build_lock("pki"):
            if not (self.directory / "complete").exists():
                shutil.rmtree(self.directory, ignore_errors=True)
                self.directory.mkdir(parents=True)
                self._make()
                (self.directory / "complete").touch()

    def path(self, name):
        return str(self.directory / name)

    def text(self, name):
        return (self.directory / name).read_text()

    def _run(self, *command):
        done = subprocess.run(command, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")

    def _make(self):
        for name in ("authority", "stranger"):
            self._run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj",
                      f"/CN=Laboratory {name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        self._issue("server", "DNS:localhost,IP:127.0.0.1", 3650)
        self._issue("expired", "DNS:localhost,IP:127.0.0.1", -1)
        self._issue("other-host", "DNS:other.example", 3650)
        self._issue("client", "DNS:client.example", 3650)
        self._trust("truststore.jks", "JKS", "authority")
        self._trust("stranger.jks", "JKS", "stranger")
        # What keytool makes by default under the usual name.
        self._trust("truststore-pkcs12.jks", "PKCS12", "authority")
        self._run("openssl", "pkcs12", "-export", "-in", "client.pem", "-name", "client", "-out", "openssl.p12",
                  "-passout", f"pass:{STORE_PASSWORD}")
        self._run("keytool", "-importkeystore", "-noprompt", "-srckeystore", "openssl.p12", "-srcstoretype", "PKCS12",
                  "-srcstorepass", STORE_PASSWORD, "-destkeystore", "keystore.p12", "-deststoretype", "PKCS12",
                  "-deststorepass", STORE_PASSWORD)
        self._run("openssl", "pkcs8", "-topk8", "-in", "client.key", "-out", "client-encrypted.key", "-passout",
                  f"pass:{KEY_PASSWORD}")

    def _issue(self, name, names, days):
        """NAME.pem with key, certificate and authority, as a broker's PEM key store wants it."""
        (self.directory / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        self._run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                  "-out", f"{name}.csr")
        self._run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
                  "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.crt")
        chain = self.text(f"{name}.crt") + self.text("authority.pem")
        (self.directory / f"{name}.chain").write_text(chain)
        (self.directory / f"{name}.pem").write_text(self.text(f"{name}.key") + chain)

    def _trust(self, name, kind, authority):
        self._run("keytool", "-importcert", "-noprompt", "-alias", "authority", "-file", f"{authority}.pem",
                  "-keystore", name, "-storetype", kind, "-storepass", STORE_PASSWORD)


def jaas(mechanism, user, password):
    kind = "plain.Plain" if mechanism == "PLAIN" else "scram.Scram"
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    return f'org.apache.kafka.common.security.{kind}LoginModule required username="{user}" password="{quoted}";'


class Listener:
    """One listener of a cluster and how Java and franz-go get in."""

    def __init__(self, cluster, name, mechanism=None, user=None):
        pki = cluster.pki
        protocol = LISTENERS[name][0]
        self.nodes = cluster.nodes
        self.bootstrap = cluster.addresses(name)
        self.client = {"security.protocol": protocol}
        self.franz = []
        if protocol.endswith("SSL"):
            self.client.update({"ssl.truststore.location": pki.path("truststore.jks"), "ssl.truststore.type": "JKS",
                                "ssl.truststore.password": STORE_PASSWORD})
            self.franz += ["-ca", pki.path("authority.pem")]
        if name == "MTLS":
            self.client.update({"ssl.keystore.location": pki.path("keystore.p12"), "ssl.keystore.type": "PKCS12",
                                "ssl.keystore.password": STORE_PASSWORD, "ssl.key.password": KEY_PASSWORD})
            self.franz += ["-identity", pki.path("client.pem")]
        if protocol.startswith("SASL"):
            user = user or READER
            self.client.update({"sasl.mechanism": mechanism,
                                "sasl.jaas.config": jaas(mechanism, user, PASSWORDS[user])})
            self.franz += ["-mechanism", mechanism, "-user", user, "-password", PASSWORDS[user]]


class SecureCluster(KafkaCluster):
    """A cluster with the named listeners of LISTENERS beside the plain one; users with SCRAM from the beginning."""

    def __init__(self, name, listeners, **arguments):
        super().__init__(name, **arguments)
        self.pki = Pki()
        self.listeners = list(listeners)
        self.ports = {(node.node_id, listener): free_port() for node in self.nodes for listener in self.listeners}
        if any(LISTENERS[listener][0].startswith("SASL") for listener in self.listeners):
            for user, password in PASSWORDS.items():
                for mechanism in MECHANISMS[1:]:
                    self.format_arguments += ["--add-scram", f"{mechanism}=[name={user},password={password}]"]

    def addresses(self, listener, host="localhost"):
        """The bootstrap servers of a listener; brokers advertise themselves as localhost there."""
        return ",".join(f"{host}:{self.ports[node.node_id, listener]}" for node in self.nodes)

    def on(self, listener, mechanism=None, user=None):
        return Listener(self, listener, mechanism, user)

    def node_settings(self, node):
        settings = super().node_settings(node)
        for listener in self.listeners:
            protocol, certificate, more = LISTENERS[listener]
            port = self.ports[node.node_id, listener]
            settings["listeners"] += f",{listener}://127.0.0.1:{port}"
            settings["advertised.listeners"] += f",{listener}://localhost:{port}"
            settings["listener.security.protocol.map"] += f",{listener}:{protocol}"
            own = self._tls(certificate) if certificate else {}
            if protocol.startswith("SASL"):
                own.update(self._sasl())
            prefix = f"listener.name.{listener.lower()}."
            settings.update({prefix + key: value for key, value in {**own, **more}.items()})
        return settings

    def _tls(self, certificate):
        return {"ssl.keystore.type": "PEM", "ssl.keystore.location": self.pki.path(f"{certificate}.pem"),
                "ssl.truststore.type": "PEM", "ssl.truststore.location": self.pki.path("authority.pem")}

    @staticmethod
    def _sasl():
        users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
        package = "org.apache.kafka.common.security"
        settings = {"sasl.enabled.mechanisms": ",".join(MECHANISMS),
                    "plain.sasl.jaas.config": f"{package}.plain.PlainLoginModule required {users};"}
        for mechanism in MECHANISMS[1:]:
            settings[f"{mechanism.lower()}.sasl.jaas.config"] = f"{package}.scram.ScramLoginModule required;"
        return settings
