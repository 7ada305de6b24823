cd release-1.4
export LC_ALL=C
printable() { tr -c '\n -~' '?'; }
find . -print0 | tr '\n\0' '\1\n' | grep '[[:cntrl:]]' | printable
find . ! -type d ! -type f | printable
find . | sort | uniq -d | printable
sha256sum -c checksums.txt | grep -v ': OK$' | printable
{ printf '%s\n' checksums.txt attestation/checksums.txt.sigstore.json
  cut -b 67- checksums.txt
  find . ! -type d | cut -b 3-; } |
  grep -v '^attestation/checksums\.txt\.[0-9a-f]\{16\}\.sigstore\.json$' |
  sort | uniq -u | printable
