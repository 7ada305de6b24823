//! Nothing leaves the machine: with no release, also without the fence of a closed proxy, and not
//! for the look-up of a name. strace records the system calls, in a network namespace with loopback
//! only, where every attempt fails but is recorded.

use std::path::Path;

use crate::sandbox::{Sandbox, cosigns};
use crate::without_aicr::release;

const CALLS: &str = "--trace=connect,sendto,sendmsg,sendmmsg";

/// Whether this command succeeds, and its attempts to reach another machine: every connect and
/// datagram, except to the kernel and to local sockets. The local socket of a resolver is an
/// attempt, too.
fn attempts(sandbox: &Sandbox, words: &str) -> (bool, Vec<String>) {
    let strace = ["strace", "--follow-forks", "--quiet=all", CALLS, "--output=network"];
    let output = sandbox.program_run(strace.into_iter().chain(words.split_whitespace())).output();
    let within =
        |call: &str| call.contains("AF_NETLINK") || call.contains("AF_UNIX") && !call.contains("resolve");
    let trace = sandbox.read("network");
    let calls = trace.lines().filter(|call| call.contains("sa_family=") && !within(call));
    (output.status.success(), calls.map(ToOwned::to_owned).collect())
}

#[test]
fn signing_and_verifying_with_a_key_reach_nothing() {
    for cosign in cosigns() {
        let fenced = Sandbox::with_cosign(&cosign);
        let unfenced = Sandbox::with_cosign(&cosign);
        let real = cosign.display();
        unfenced.remove("bin/cosign").program(
            "bin/cosign",
            &format!("unset ALL_PROXY HTTPS_PROXY HTTP_PROXY NO_PROXY; exec '{real}' \"$@\""),
        );
        for sandbox in [fenced, unfenced] {
            sandbox.small_dist();
            for words in [
                "aicr bundle dist --output B --signing-key cosign.key --tlog-upload=false",
                "aicr verify B --key cosign.pub --insecure-ignore-tlog",
                "aicr bundle dist --output C",
                "aicr bundle-sign C --signing-key cosign.key --tlog-upload=false",
                "aicr doctor --signing-key cosign.key --tlog-upload=false",
            ] {
                let tried = attempts(&sandbox, words);
                assert_eq!(tried, (true, vec![]), "{} {words}", release(&cosign));
            }
        }
    }
}

/// This shows that the test above can see attempts: cosign is called without aicr.
#[test]
fn cosign_by_itself_would_try() {
    let sign = "cosign sign-blob --yes --key=cosign.key --bundle=bundle.json";
    let tries = |cosign: &Path, words: &str| {
        let sandbox = Sandbox::with_cosign(cosign);
        let (done, tried) = attempts(sandbox.small_dist(), words);
        assert!(!done && !tried.is_empty(), "{} {words}: {tried:?}", release(cosign));
    };
    let cosigns = cosigns();
    // This release ignores the flag, and tries to upload.
    if let Some(cosign) = cosigns.iter().find(|cosign| release(cosign) == "v3.0.2") {
        tries(cosign, &format!("{sign} --tlog-upload=false dist/a"));
    }
    // All of them try if a log is requested. The newest gives up first.
    tries(cosigns.last().unwrap(), &format!("{sign} dist/a"));
}
