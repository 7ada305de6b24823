openssl pkey -pubin -in cosign.pub -outform DER | sha256sum | sed 's/..../& /g'
sha256sum release-1.4/checksums.txt
