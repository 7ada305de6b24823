//! A refusal by flags or variables comes before any file, process or socket is touched: strace
//! shows the system calls.

use super::line;
use crate::sandbox::Sandbox;

/// The system calls of a run that start programs, make or change files, or use sockets.
fn touched(sandbox: &Sandbox, words: &str) -> Vec<String> {
    let calls = "trace=execve,openat,openat2,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat2,symlinkat,linkat,socket,connect";
    let log = sandbox.path("trace").display().to_string();
    let mut all = vec!["strace", "-f", "-qq", "-e", calls, "-o", &log, env!("CARGO_BIN_EXE_aicr")];
    all.extend(words.split_whitespace());
    sandbox.program_run(all).whatever_it_prints().output();
    let reads_only = |call: &str| {
        call.contains("open") && !["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| call.contains(flag))
    };
    sandbox.read("trace").lines().filter(|call| !reads_only(call)).map(ToOwned::to_owned).collect()
}

#[test]
fn a_refusal_touches_nothing() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    for words in [
        "bundle dist -o out --tlog-upload=false",
        "bundle dist -o out --keyless --tlog-upload=false",
        "bundle dist -o out --tlog-upload false",
        "bundle dist -o out --signing-key=",
        "bundle-sign B --signing-key awskms://alias/x --tlog-upload=false",
        "bundle-sign B --signing-key cosign.key --rekor-url https://r.example",
        "verify B",
        "verify B --key cosign.pub --trusted-root r.json --online",
        "doctor --timeout 0",
    ] {
        let calls = touched(&sandbox, words);
        assert!(calls.len() == 1 && calls[0].contains("execve("), "{words}: {calls:#?}");
    }
    // strace would show it: a valid line starts cosign and makes files.
    let calls = touched(&sandbox, "bundle dist -o out --signing-key cosign.key --tlog-upload=false");
    assert!(calls.iter().filter(|call| call.contains("execve(") && call.contains("sign-blob")).count() > 1);
    assert!(calls.iter().any(|call| call.contains("mkdir")));
    line(&sandbox, "verify out -q --key cosign.pub --insecure-ignore-tlog").succeeds();
}
