//! Signing keys that were spoiled on their way to a pipeline: the refusal says how, and its hint works.

use crate::sandbox::{Act, Sandbox};

const NO_LOG: &str = "--tlog-upload=false --quiet";
const AGAIN: &str = "copy it again, as the file that `cosign generate-key-pair` wrote";

fn lines(sandbox: &Sandbox) -> Vec<String> {
    sandbox.read("cosign.key").lines().map(ToOwned::to_owned).collect()
}

#[test]
fn a_key_file_says_how_it_was_spoiled() {
    let cases: [(Act, &str, &str); 9] = [
        (
            |s| s.file("k", format!("\u{feff}{}", s.read("cosign.key"))),
            "begins with a byte order mark",
            "`tail -c +4 k >release.key` removes it",
        ),
        (
            |s| {
                s.shell("iconv -f UTF-8 -t UTF-16 cosign.key >k").succeeds();
                s
            },
            "is text in UTF-16",
            "`iconv -f UTF-16 -t UTF-8 k >release.key` converts it",
        ),
        (
            |s| {
                s.shell("base64 <cosign.key >k").succeeds();
                s
            },
            "is encoded in base64 once more",
            "`base64 -d <k >release.key` decodes it",
        ),
        (
            |s| s.file("k", format!("  {}\n", lines(s).join("\n  "))),
            "is indented",
            "`sed 's/^[[:blank:]]*//' k >release.key` removes the blanks",
        ),
        (|s| s.file("k", lines(s).concat()), "has lost its line breaks", AGAIN),
        (|s| s.file("k", lines(s).join(" ")), "has lost its line breaks", AGAIN),
        (|s| s.file("k", lines(s)[..5].join("\n")), "is cut off", AGAIN),
        (|s| s.file("k", lines(s)[1..].join("\n")), "is cut off", AGAIN),
        (|s| s.file("k", s.read("cosign.key").replacen(&lines(s)[2], "", 1)), "is damaged", AGAIN),
    ];
    for (spoil, how, hint) in cases {
        let sandbox = Sandbox::new();
        sandbox.unsigned();
        spoil(&sandbox);
        let before = sandbox.tree("");
        for words in ["bundle dist --output C", "bundle-sign B"] {
            sandbox
                .aicr(&format!("{words} --signing-key k {NO_LOG}"))
                .stderr(&format!("error: key file k {how}\nhint: {hint}\n"))
                .exits(2);
        }
        assert_eq!(sandbox.tree(""), before);
        if let Some(command) = hint.split('`').nth(1).filter(|command| command.contains('>')) {
            sandbox.shell(command).succeeds();
            sandbox.aicr(&format!("bundle-sign B --signing-key release.key {NO_LOG}")).succeeds();
        }
    }
}

#[test]
fn a_key_in_a_variable_says_how_it_was_spoiled() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let key = sandbox.read("cosign.key");
    let encoded = sandbox.shell("base64 -w 0 <cosign.key").whatever_it_prints().succeeds().stdout;
    let file = sandbox.path("cosign.key").into_os_string().into_string().unwrap();
    let set = "`export RELEASE_KEY=\"$(cat cosign.key)\"` sets it to a whole key file";
    let sign = |key: &str| {
        sandbox
            .aicr(&format!("bundle-sign B --signing-key env://RELEASE_KEY {NO_LOG}"))
            .env("RELEASE_KEY", key)
    };
    for (value, how, hint) in [
        (key.replace('\n', " "), "has lost its line breaks", set),
        (key.replace('\n', "\\n"), "has lost its line breaks", set),
        (key.replace('\n', "\n  "), "is indented", set),
        (key[..200].to_owned(), "is cut off", set),
        (
            String::from_utf8(encoded).unwrap(),
            "is encoded in base64 once more",
            "`printf %s \"$RELEASE_KEY\" | base64 -d >release.key` writes the key to a file",
        ),
        (file, "is a path, not the key itself", "--signing-key \"$RELEASE_KEY\" signs with that file"),
    ] {
        sign(&value).stderr(&format!("error: env://RELEASE_KEY {how}\nhint: {hint}\n")).exits(2);
    }
    for good in [key.clone(), key.replace('\n', "\r\n"), key.trim_end().to_owned()] {
        sign(&good).succeeds();
    }
}
