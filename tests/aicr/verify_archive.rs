//! `verify` of archives: files, volumes and streams, and what it says of damaged ones. `hostile/archives.rs` has those
//! that somebody has made to deceive.

use std::fs;

use crate::sandbox::{KEY_SHA256, SMALL_SHA256, Sandbox};
use crate::verify::accepted;

const TRUST: &str = "--key cosign.pub --insecure-ignore-tlog";
const SIGN: &str = "--signing-key cosign.key --tlog-upload=false --quiet";

/// A test directory with `r.tar`, the archive of the small payload.
fn packed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.signed().aicr("pack B --output r.tar -q").succeeds();
    sandbox
}

/// A test directory with the volumes `v.tar.001` to `v.tar.003`, and `v.tar.sha256`.
fn volumes() -> Sandbox {
    let sandbox = Sandbox::new();
    let content: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).take(2_500_000).collect();
    sandbox.file("dist/a", &content).file("dist/b", "x");
    sandbox.aicr(&format!("bundle dist --output V {SIGN}")).succeeds();
    sandbox.aicr("pack V --output v.tar --volume-size 1MB -q").succeeds();
    sandbox
}

/// The beginning of the report about a rejected archive of the small payload.
pub(crate) fn rejected(archive: &str, bytes: u64) -> String {
    format!(
        "rejected {archive}
  manifest sha256
    {SMALL_SHA256}
  2 files listed, {bytes} bytes could be read
  signature accepted
  key sha256
    {KEY_SHA256}
  log none, timestamp none
"
    )
}

#[test]
fn an_archive_is_accepted_as_a_file_and_as_a_stream() {
    let sandbox = packed();
    sandbox.aicr(&format!("verify r.tar {TRUST}")).stdout(&accepted("r.tar")).succeeds();
    sandbox.aicr(&format!("verify r.tar {TRUST} -q")).succeeds();
    for line in ["aicr verify - {} <r.tar", "cat r.tar | aicr verify - {}"] {
        sandbox.shell(&line.replace("{}", TRUST)).stdout(&accepted("-")).succeeds();
    }
    // The stream comes slowly.
    let line = format!("{{ head -c 700 r.tar; sleep 1; tail -c +701 r.tar; }} | aicr verify - {TRUST} -q");
    sandbox.shell(&line).succeeds();
    sandbox
        .aicr("verify r.tar --checksums-only")
        .stdout(&format!(
            "unproven r.tar\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\nnothing proves who made it: anybody can write a manifest\n"
        ))
        .succeeds();
    // With a directory and another archive.
    let three = ["B", "r.tar", "link.tar"].map(accepted).concat();
    sandbox
        .link("link.tar", "r.tar")
        .aicr(&format!("verify B r.tar link.tar {TRUST}"))
        .stdout(&format!("{three}3 bundles: 3 accepted\n"))
        .succeeds();
    let run = sandbox.aicr(&format!("verify r.tar {TRUST} --format json"));
    let printed = String::from_utf8(run.output().stdout).unwrap();
    assert!(printed.contains(r#""archive":{"volumes":1},"findings":[]"#), "{printed}");
}

#[test]
fn an_archive_is_unpacked_if_it_is_accepted() {
    let sandbox = packed();
    sandbox
        .aicr(&format!("verify r.tar {TRUST} --copy-to C --receipt receipt.json"))
        .stdout(&format!("{}  copied to C\n", accepted("r.tar")))
        .succeeds();
    sandbox.shell("diff -r B C").succeeds();
    assert!(sandbox.read("receipt.json").contains("PASSED"));
    sandbox.shell(&format!("aicr verify - {TRUST} --copy-to D -q <r.tar && diff -r B D")).succeeds();
    // The x bit is that of the archive.
    sandbox.chmod("B/a", 0o755).aicr("pack B --output x.tar -q").succeeds();
    sandbox.aicr(&format!("verify x.tar {TRUST} --copy-to X -q")).succeeds();
    sandbox
        .aicr(&format!("verify x.tar {TRUST} --copy-to Y"))
        .stdout(&format!("{}  copied to Y\n", accepted("x.tar")))
        .stderr("warning: x.tar: 1 file is executable, as in the copy; the signature does not cover modes\n")
        .succeeds();
    sandbox.shell("test -x Y/a && ! test -x Y/sub/b && ! test -x Y/checksums.txt").succeeds();
    let before = sandbox.tree("");
    for (archive, key, code) in [("r.tar", "other.pub", 5), ("cut.tar", "cosign.pub", 5)] {
        sandbox.shell("head -c 4096 r.tar >cut.tar").succeeds();
        sandbox
            .aicr(&format!("verify {archive} --key {key} --insecure-ignore-tlog --copy-to N -q"))
            .whatever_it_prints()
            .exits(code);
        sandbox.remove("cut.tar");
        assert_eq!(sandbox.tree(""), before);
    }
}

#[test]
fn the_release_of_an_archive_is_compared_before_its_payload_is_read() {
    let sandbox = Sandbox::new();
    sandbox.released().aicr("pack B --output r.tar -q").succeeds();
    sandbox.aicr(&format!("verify r.tar {TRUST} --expect-name app --at-least 1.3 -q --copy-to C")).succeeds();
    sandbox.shell("diff -r B C").succeeds();
    sandbox
        .aicr(&format!("verify r.tar {TRUST} --at-least 1.5"))
        .stdout("rejected r.tar\n")
        .stderr(
            "error: r.tar is version 1.4 of app, older than --at-least 1.5
hint: check that this is the medium that you expect: somebody may have sent you an old release
",
        )
        .exits(5);
}

#[test]
fn a_file_with_another_content_is_a_finding() {
    let sandbox = packed();
    let mut bytes = fs::read(sandbox.path("r.tar")).unwrap();
    let at = bytes.windows(6).rposition(|window| window == b"alpha\n").unwrap();
    bytes[at] = b'A';
    sandbox
        .file("r.tar", &bytes)
        .aicr(&format!("verify r.tar {TRUST}"))
        .stdout(&format!(
            "{}  changed      a
    found sha256
      {}
",
            rejected("r.tar", 11),
            "90c877f65b3141d28d51619fd2bbc862c49c48be4fab42386062f532e27e4fd6"
        ))
        .stderr("error: r.tar is not what its manifest says: 1 file is wrong\n")
        .exits(5);
}

/// A stream or file that ends anywhere is rejected, and says where.
#[test]
fn an_archive_that_is_cut_off() {
    let sandbox = packed();
    let bytes = fs::read(sandbox.path("r.tar")).unwrap();
    let only = "--checksums-only";
    for length in (512..bytes.len()).step_by(512).chain([bytes.len() - 1]) {
        let message = format!("r.tar is not as `aicr pack` wrote it: it is cut off after {length} bytes");
        let output = sandbox.file("r.tar", &bytes[..length]).aicr(&format!("verify r.tar {only}")).output();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.trim_start_matches("error: ").trim()), (Some(5), &*message));
    }
    sandbox
        .file("r.tar", &bytes[..bytes.len() - 1024])
        .aicr(&format!("verify r.tar {TRUST}"))
        .stdout(&format!(
            "{}  bad-archive  r.tar\n    it is cut off after {length} bytes\n",
            rejected("r.tar", 11),
            length = bytes.len() - 1024
        ))
        .stderr(&format!(
            "error: r.tar is not as `aicr pack` wrote it: it is cut off after {} bytes\n",
            bytes.len() - 1024
        ))
        .exits(5);
    // What does not even begin like an archive is another file. A stream is what it was meant to be.
    sandbox
        .file("r.tar", &bytes[..511])
        .aicr(&format!("verify r.tar {TRUST}"))
        .stderr(
            "error: r.tar is neither a directory nor an archive of aicr
hint: unpack it: `mkdir r && tar -C r -xf r.tar`, and give the directory that has checksums.txt
",
        )
        .exits(2);
    sandbox
        .shell(&format!("aicr verify - {TRUST} <r.tar"))
        .stdout("rejected -\n")
        .stderr("error: - is not as `aicr pack` wrote it: it is cut off after 511 bytes\n")
        .exits(5);
    sandbox
        .shell(&format!("aicr verify - {TRUST} </dev/null"))
        .stdout("rejected -\n")
        .stderr("error: - is not as `aicr pack` wrote it: it is cut off after 0 bytes\n")
        .exits(5);
}

#[test]
fn files_that_are_not_archives_of_aicr() {
    let sandbox = packed();
    sandbox.shell("tar -C B -cf other.tar . && gzip -k r.tar && : >empty && cp r.tar r.tar.002").succeeds();
    sandbox.file("z.zst", b"\x28\xb5\x2f\xfdx").file("z.xz", b"\xfd7zXZ\0x").directory("-");
    let not = "is neither a directory nor an archive of aicr";
    let unpack = |name: &str, stem: &str| {
        format!("`mkdir {stem} && tar -C {stem} -xf {name}`, and give the directory that has checksums.txt")
    };
    let compressed = |program: &str, name: &str, rest: &str| {
        format!(
            "error: {name} is compressed, and aicr does not decompress\nhint: if `aicr pack` wrote it: `{program} -dc {name} | aicr verify -` with the same flags; else {rest}\n"
        )
    };
    for (line, expected) in [
        ("other.tar", format!("error: other.tar {not}\nhint: unpack it: {}\n", unpack("other.tar", "other"))),
        ("empty", format!("error: empty {not}\nhint: give the directory that has checksums.txt\n")),
        ("r.tar.gz", compressed("gzip", "r.tar.gz", &format!("unpack it: {}", unpack("r.tar.gz", "r")))),
        ("z.zst", compressed("zstd", "z.zst", "give the directory that has checksums.txt")),
        ("z.xz", compressed("xz", "z.xz", "give the directory that has checksums.txt")),
        ("r.tar.002", "error: r.tar.002 is not the first volume\nhint: give the first one: r.tar.001\n".to_owned()),
        (
            "- -",
            "error: - is given twice: standard input can be read only once\nhint: give the key in a file, or the archive\n"
                .to_owned(),
        ),
        (
            "- --manifest SUMS",
            "error: BUNDLE: - is an archive, and --manifest needs a directory\nhint: write `./-` for a directory of that name\n"
                .to_owned(),
        ),
    ] {
        sandbox.aicr(&format!("verify {line} {TRUST}")).stderr(&expected).exits(2);
    }
    sandbox
        .aicr(&format!("verify B r.tar {TRUST} --shard 1/2"))
        .stderr(
            "error: --shard cannot be used with the archive r.tar: it is read in one pass
hint: leave out --shard, or unpack the archive
",
        )
        .exits(2);
    sandbox
        .aicr("verify - --key - --insecure-ignore-tlog")
        .stderr("error: - is given twice: standard input can be read only once\nhint: give the key in a file, or the archive\n")
        .exits(2);
}

#[test]
fn an_unsigned_archive_is_not_accepted() {
    let sandbox = Sandbox::new();
    sandbox.unsigned().aicr("pack B --output r.tar -q").succeeds();
    sandbox
        .aicr(&format!("verify r.tar {TRUST}"))
        .stdout("rejected r.tar\n")
        .stderr(
            "error: r.tar is unsigned: it has no attestation/checksums.txt.sigstore.json
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it
",
        )
        .exits(5);
}

#[test]
fn volumes_are_read_in_order() {
    let sandbox = volumes();
    let words = format!("verify v.tar.001 {TRUST} --copy-to C --format json");
    let printed = String::from_utf8(sandbox.aicr(&words).output().stdout).unwrap();
    assert!(printed.contains(r#""archive":{"volumes":3},"copiedTo":"C""#), "{printed}");
    sandbox.shell("diff -r V C").succeeds();
    // The checksums are never needed.
    sandbox.remove("v.tar.sha256").aicr(&format!("verify v.tar.001 {TRUST} -q")).succeeds();
    let there = "cd / && aicr verify \"$OLDPWD/v.tar.001\" --key \"$OLDPWD/cosign.pub\"";
    sandbox.shell(&format!("{there} --insecure-ignore-tlog -q")).succeeds();
}

/// All volumes that have to be carried again are named at once.
#[test]
fn damaged_volumes() {
    let files = ["v.tar.001", "v.tar.002", "v.tar.003", "v.tar.sha256"];
    let sandbox = volumes();
    sandbox.file("other/a", vec![7; 2_500_000]).aicr(&format!("bundle other --output O {SIGN}")).succeeds();
    sandbox.aicr("pack O --output o.tar --volume-size 1MB -q").succeeds();
    let good = files.map(|file| fs::read(sandbox.path(file)).unwrap());
    let not = "error: v.tar.001 is not as `aicr pack` wrote it:";
    let again = |which: &str, are: &str, lists: &str| {
        format!("hint: carry {which} again: {are} missing, or not as v.tar.sha256 lists {lists}\n")
    };
    let one = |which: &str| again(which, "it is", "it");
    let several = |which: &str| again(which, "they are", "them");
    for (change, error, hint) in [
        ("rm v.tar.003", format!("{not} it is cut off after 2000000 bytes"), one("003")),
        ("rm v.tar.002", format!("{not} v.tar.002 is missing"), one("002")),
        (
            "rm v.tar.002 v.tar.003",
            format!("{not} it is cut off after 1000000 bytes"),
            several("002 and 003"),
        ),
        ("mv v.tar.003 v.tar.004", format!("{not} v.tar.003 is missing"), one("003")),
        ("truncate -s 0 v.tar.002", format!("{not} v.tar.002 is empty"), one("002")),
        ("truncate -s 500000 v.tar.003", format!("{not} it is cut off after 2500000 bytes"), one("003")),
        ("rm v.tar.002; mkfifo v.tar.002", format!("{not} v.tar.002 is missing"), one("002")),
        ("mv v.tar.002 x; ln -s x v.tar.002", format!("{not} v.tar.002 is missing"), one("002")),
        ("cp v.tar.001 v.tar.004", format!("{not} v.tar.004 comes after its end"), "all".to_owned()),
        (": >v.tar.007", format!("{not} v.tar.007 comes after its end"), "all".to_owned()),
        (": >v.tar.004", format!("{not} v.tar.004 comes after its end"), "all".to_owned()),
        (
            "mv v.tar.002 x; mv v.tar.003 v.tar.002; mv x v.tar.003",
            "error: v.tar.001".to_owned(),
            several("002 and 003"),
        ),
        ("cp o.tar.002 v.tar.002", "error: v.tar.001 is not what its manifest says".to_owned(), one("002")),
        ("rm v.tar.003 v.tar.sha256", format!("{not} it is cut off after 2000000 bytes"), String::new()),
        (
            "rm v.tar.003; echo >>v.tar.sha256",
            format!("{not} it is cut off after 2000000 bytes"),
            String::new(),
        ),
        ("rm v.tar.003; cp o.tar.sha256 v.tar.sha256", format!("{not} it is cut off"), String::new()),
    ] {
        let hint = match hint.as_str() {
            "all" => "hint: all volumes are as v.tar.sha256 lists them: carrying them again does not help\n"
                .to_owned(),
            _ => hint,
        };
        sandbox.shell("rm -f v.tar.* x").succeeds();
        for (file, content) in files.iter().zip(&good) {
            sandbox.file(file, content);
        }
        sandbox.shell(change).succeeds();
        let output = sandbox.aicr(&format!("verify v.tar.001 {TRUST} -q")).output();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{change}: {said}");
        assert!(said.starts_with(&error) && said.ends_with(&hint), "{change}: {said}");
        assert_eq!(said.lines().count(), 1 + usize::from(!hint.is_empty()), "{change}: {said}");
    }
}

/// A signature that is wrong for another reason than damage keeps its message.
#[test]
fn volumes_that_are_not_damaged() {
    let sandbox = volumes();
    let output = sandbox.aicr("verify v.tar.001 --key other.pub --insecure-ignore-tlog").output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: v.tar.001 is signed by key"), "{said}");
    assert!(said.contains("hint: all volumes are as v.tar.sha256 lists them"), "{said}");
}

/// A signal ends the wait for a stream that does not come.
#[test]
fn a_stream_that_does_not_come() {
    let sandbox = packed();
    let line = format!(
        "mkfifo f; (exec 3>f; head -c 2000 r.tar >&3; exec sleep 60) & feeder=$!; \
         timeout -s INT 2 aicr verify - {TRUST} <f; code=$?; kill $feeder; exit $code"
    );
    let output = sandbox.shell(&line).output();
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "error: interrupted\n");
}

/// The sheet of an archive is that of its bundle, with the command that unpacks it.
#[test]
fn the_sheet_of_an_archive() {
    let sandbox = packed();
    sandbox.shell("mv B r && cp r.tar v.tar.001").succeeds();
    let sheet = |path: &str| {
        let output = sandbox.aicr(&format!("sheet {path} --key cosign.pub")).output();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let of_directory = sheet("r");
    let unpack =
        "The bundle comes in `r.tar`. Unpack it first:\n\n```sh\nmkdir r && tar -C r -xf r.tar\n```\n\n";
    assert_eq!(sheet("r.tar").replace(unpack, ""), of_directory);
    assert!(sheet("r.tar").contains(&format!("another way.\n\n{unpack}## 1. Compare")));
    let volumes = "comes in volumes of `v.tar`. Unpack it first:\n\n```sh\nmkdir v && cat v.tar.[0-9]* | tar -C v -xf -\n";
    assert!(sheet("v.tar.001").contains(volumes));
    sandbox.shell("head -c 4096 r.tar >cut.tar").succeeds();
    let output = sandbox.aicr("sheet cut.tar --key cosign.pub").output();
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8(output.stderr).unwrap().contains("it is cut off after 4096 bytes"));
}
