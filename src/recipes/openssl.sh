sed 's/.*"signature":"\([^"]*\)".*/\1/' \
  release-1.4/attestation/checksums.txt.sigstore.json | openssl base64 -d -A >signature.der
openssl dgst -sha256 -verify cosign.pub -signature signature.der release-1.4/checksums.txt
