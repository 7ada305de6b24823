printf '%s' '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1",' \
  '"tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}' >trusted-root.json
cosign verify-blob --key=cosign.pub --insecure-ignore-tlog=true \
  --new-bundle-format=true --trusted-root=trusted-root.json \
  --bundle=release-1.4/attestation/checksums.txt.sigstore.json release-1.4/checksums.txt
