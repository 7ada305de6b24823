cosign verify-blob --key=cosign.pub --insecure-ignore-tlog=true \
  --bundle=release-1.4/attestation/checksums.txt.sigstore.json release-1.4/checksums.txt
