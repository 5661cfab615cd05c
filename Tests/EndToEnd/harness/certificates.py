"""An authority of the tests' own, and certificates of the gateway's. openssl makes them."""

import base64
import hashlib
import ssl
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
NAMES = "subjectAltName=DNS:localhost,DNS:gateway.example.com,IP:127.0.0.1"


class Authority:
    def __init__(self, folder):
        self._folder = folder
        self._key, self._certificate = folder / "authority.key", folder / "authority.pem"
        _openssl(
            "req", "-x509", *KEY, "-keyout", self._key, "-out", self._certificate, "-days", "2",
            "-subj", "/CN=Authority of the tests")

    def context(self):
        """For clients that trust nobody else."""
        return ssl.create_default_context(cafile=self._certificate)

    def issue(self, name):
        return Certificate(self._folder, name, self._certificate, self._key)


class Certificate:
    def __init__(self, folder, name, authority, authority_key):
        self.chain, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        request = folder / f"{name}.csr"
        _openssl("req", *KEY, "-keyout", self.key, "-out", request, "-subj", f"/CN={name}", "-addext", NAMES)
        _openssl(
            "x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial",
            "-copy_extensions", "copyall", "-days", "2", "-out", self.chain)
        self.chain.write_bytes(self.chain.read_bytes() + authority.read_bytes())
        self.key.chmod(0o600)

    @property
    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.chain.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")

    @property
    def key_hash(self):
        """Of the public key, as Chromium wants to have it."""
        public = _openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def replaces(self, other):
        """Takes the other one's place in its files."""
        other.key.write_bytes(self.key.read_bytes())
        other.chain.write_bytes(self.chain.read_bytes())


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
