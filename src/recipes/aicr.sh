aicr verify release-1.4 --key cosign.pub --insecure-ignore-tlog
