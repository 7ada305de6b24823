sed 's/.*"signature":"\([^"]*\)".*/\1/' \
  release-1.4/attestation/checksums.txt.sigstore.json >signature.b64
cosign verify-blob --key=cosign.pub --insecure-ignore-tlog=true --insecure-ignore-sct=true \
  --bundle= --signature=signature.b64 release-1.4/checksums.txt
