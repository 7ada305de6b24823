"""No server: a SoftHSM token called `release`, with the PIN 1234 and the keys `ec` and `rsa`, in the
directory. SOFTHSM2_CONF names softhsm2.conf to its library, module.so.
"""
import glob
import os
import subprocess
import sys

from common import RSA_4096, path, ready

modules = [found for pattern in ("softhsm", "*/softhsm", "pkcs11") for top in ("lib", "lib64", "local/lib")
           for found in glob.glob(f"/usr/{top}/{pattern}/libsofthsm2.so")]
if not modules:
    sys.exit("softhsm: libsofthsm2.so is not below /usr/lib; install the package softhsm2")
os.symlink(modules[0], path("module.so"))
os.makedirs(path("tokens"))
with open(path("softhsm2.conf"), "w", encoding="utf-8") as configuration:
    configuration.write(f"directories.tokendir = {path('tokens')}\nobjectstore.backend = file\n")
os.environ["SOFTHSM2_CONF"] = path("softhsm2.conf")


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path("ec.pem"))
run("softhsm2-util", "--init-token", "--free", "--label", "release", "--pin", "1234", "--so-pin", "5678")
for number, (name, file) in enumerate([("ec", path("ec.pem")), ("rsa", RSA_4096)], 1):
    run("softhsm2-util", "--import", file, "--token", "release", "--pin", "1234", "--label", name, "--id", f"0{number}")
ready()
