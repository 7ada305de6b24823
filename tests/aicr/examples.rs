//! `examples/`: the shell lines of each pipeline, run as they stand with a real cosign and without a
//! network. A rehearsal signs with the key that it makes itself, a release with a throw-away key in
//! the place of the key manager's. `make lint` checks the syntax of the files.

use std::collections::BTreeMap;
use std::fs;

use crate::sandbox::{Run, Sandbox, repository};

/// The variables at the top of each example.
const VARIABLES: [&str; 3] = ["AICR_TLOG_UPLOAD", "AICR_SIGNING_KEY", "PUBLIC_KEY"];

struct Pipeline {
    file: &'static str,
    /// How the system starts a shell.
    shell: &'static [&'static str],
    /// The variable in which it gives the name of the tag.
    tag: &'static str,
    variables: BTreeMap<&'static str, String>,
    rehearsal: String,
    release: String,
}

fn example(file: &str) -> String {
    fs::read_to_string(repository().join("examples").join(file)).unwrap()
}

/// The value of `NAME: "value"` or `NAME = 'value'` at the top: before all shell lines.
fn value(text: &str, name: &str) -> String {
    let setting = |line: &str| {
        let rest = line.trim_start().strip_prefix(name)?;
        Some(rest.trim_start().strip_prefix([':', '='])?.trim().trim_matches(['"', '\'']).to_owned())
    };
    let shell = ["run: ", "script:", " sh '"].iter().filter_map(|start| text.find(start)).min().unwrap();
    text[..shell].lines().find_map(setting).unwrap_or_else(|| panic!("{name} is not at the top"))
}

/// The part of a text between two markers; to the end if there is no second one.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start}"));
    rest.split(end).next().unwrap()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The shell of one job of a GitHub workflow: `run: LINE`, or `run: |` and the lines below it.
fn github(job: &str) -> String {
    let mut shell = Vec::new();
    let mut lines = job.lines().peekable();
    while let Some(line) = lines.next() {
        match line.trim_start().trim_start_matches("- ").strip_prefix("run: ") {
            Some("|") => {
                while let Some(below) = lines.next_if(|next| indent(next) > indent(line)) {
                    shell.push(below.trim_start());
                }
            }
            run => shell.extend(run),
        }
    }
    shell.join("\n") + "\n"
}

/// The items of a list in a GitLab file.
fn gitlab(list: &str) -> String {
    let items = list.lines().skip(1).take_while(|line| indent(line) == 4);
    let items: Vec<_> = items.filter_map(|line| line.trim_start().strip_prefix("- ")).collect();
    items.join("\n") + "\n"
}

/// The shell of one stage of a Jenkinsfile: `sh 'LINE'`, or `sh '''` and the lines up to `'''`.
fn jenkins(stage: &str) -> String {
    let step = |rest: &str| match rest.strip_prefix("''") {
        Some(rest) => rest.split("'''").next().unwrap().to_owned(),
        None => rest.split('\'').next().unwrap().to_owned() + "\n",
    };
    stage.split(" sh '").skip(1).map(step).collect()
}

fn pipelines() -> [Pipeline; 3] {
    let pipeline = |file, shell, tag, shells: &dyn Fn(&str) -> [String; 2]| {
        let text = example(file);
        let [rehearsal, release] = shells(&text);
        let variables = VARIABLES.map(|name| (name, value(&text, name))).into();
        Pipeline { file, shell, tag, variables, rehearsal, release }
    };
    [
        pipeline("github-actions.yml", &["bash", "-e"], "GITHUB_REF_NAME", &|text| {
            ["rehearsal", "release"].map(|job| github(between(text, &format!("\n  {job}:\n"), "\n\n")))
        }),
        pipeline("gitlab-ci.yml", &["bash", "-eo", "pipefail"], "CI_COMMIT_TAG", &|text| {
            let shared = gitlab(between(text, "\n.sign_and_verify:\n  script:", "\n\n"));
            ["rehearsal", "release"].map(|job| {
                let job = between(text, &format!("\n{job}:\n"), "\n\n");
                assert!(job.contains("extends: .sign_and_verify\n"));
                gitlab(between(job, "  before_script:", "\n  artifacts:")) + &shared
            })
        }),
        pipeline("Jenkinsfile", &["sh", "-xe"], "TAG_NAME", &|text| {
            let stage = |name: &str| jenkins(between(text, &format!("stage('{name}')"), "\n    stage("));
            [stage("Build") + &stage("Rehearsal"), stage("Build") + &stage("Release")]
        }),
    ]
}

/// A checkout in `work`, with a build that leaves a hidden file and a program in `dist`.
fn checkout() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("work/cosign.pub", sandbox.read("cosign.pub")).file(
        "work/Makefile",
        "dist:\n\tmkdir -p dist\n\techo settings >dist/.hidden\n\tcp Makefile dist/tool\n\tchmod 755 dist/tool\n\
         .PHONY: dist\n",
    );
    sandbox
}

/// The lines of a job in the checkout, with the variables of its pipeline.
fn job<'a>(sandbox: &'a Sandbox, pipeline: &Pipeline, lines: &str) -> Run<'a> {
    let run = sandbox.program_run(pipeline.shell.iter().copied().chain(["-c", lines])).within("work");
    let set = |run: Run<'a>, (name, value): (&&str, &String)| run.env(name, value);
    pipeline.variables.iter().fold(run, set).env(pipeline.tag, "v1.4").whatever_it_prints()
}

/// A release, with a key file instead of the key manager's key.
fn release<'a>(sandbox: &'a Sandbox, pipeline: &Pipeline, key: &str) -> Run<'a> {
    let key = sandbox.path(key).display().to_string();
    job(sandbox, pipeline, &pipeline.release).env("AICR_SIGNING_KEY", &key)
}

/// Whether a bundle is signed by the holder of this key, without a transparency log.
#[track_caller]
fn is_signed(sandbox: &Sandbox, bundle: &str, key: &str) {
    let words = ["verify", bundle, "--key", key, "--insecure-ignore-tlog"];
    let run = sandbox.aicr_with(words).within("work").whatever_it_prints().succeeds();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.starts_with(&format!("accepted {bundle}\n")) && text.contains("\n  log none,"), "{text}");
}

#[test]
fn nothing_is_uploaded_and_the_rehearsal_is_the_release() {
    for Pipeline { file, variables, rehearsal, release, .. } in pipelines() {
        assert_eq!(variables["AICR_TLOG_UPLOAD"], "false", "{file}");
        let commands = |text: &str| -> Vec<String> {
            let lines =
                text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains("--dry-run"));
            lines.skip_while(|line| !line.starts_with("aicr ")).map(str::to_owned).collect()
        };
        assert_eq!(commands(&rehearsal), commands(&release), "{file}");
        assert_eq!(commands(&release).len(), 3, "{file}: {release}");
        assert_eq!(rehearsal.matches(" --dry-run").count(), 1, "{file}");
    }
}

#[test]
fn a_rehearsal_needs_no_credentials_and_no_network() {
    for pipeline in pipelines() {
        let sandbox = checkout();
        // The second time in a workspace that was not cleaned.
        for _ in 0..2 {
            job(&sandbox, &pipeline, &pipeline.rehearsal).without("COSIGN_PASSWORD").succeeds();
            is_signed(&sandbox, "rehearsal", "throw-away/cosign.pub");
            sandbox.remove("work/rehearsal.tar");
        }
    }
}

#[test]
fn a_rehearsal_finds_a_wrong_key_reference() {
    for pipeline in pipelines() {
        let sandbox = checkout();
        job(&sandbox, &pipeline, &pipeline.rehearsal).env("AICR_SIGNING_KEY", "awskms://alias/x").exits(2);
        job(&sandbox, &pipeline, &pipeline.rehearsal).env("AICR_SIGNING_KEY", "").exits(2);
    }
}

#[test]
fn a_release_leaves_an_archive_of_a_signed_bundle() {
    for pipeline in pipelines() {
        let sandbox = checkout();
        for _ in 0..2 {
            release(&sandbox, &pipeline, "cosign.key").succeeds();
        }
        fs::remove_dir_all(sandbox.path("work/release-v1.4")).unwrap();
        sandbox.shell("tar -xf work/release-v1.4.tar -C work").succeeds();
        is_signed(&sandbox, "release-v1.4", "cosign.pub");
        assert_eq!(
            sandbox.tree("work/release-v1.4"),
            [".hidden", "attestation/", "attestation/checksums.txt.sigstore.json", "checksums.txt", "tool"]
        );
    }
}

#[test]
fn a_release_with_another_key_leaves_no_archive() {
    for pipeline in pipelines() {
        let sandbox = checkout();
        release(&sandbox, &pipeline, "other.key").exits(5);
        assert!(!sandbox.path("work/release-v1.4.tar").exists(), "{}", pipeline.file);
    }
}

/// The example for make, with the two releases that it names.
fn with_make() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("work/Makefile", example("Makefile")).file("work/cosign.pub", sandbox.read("cosign.pub"));
    sandbox.file("work/src/firmware/image", "image\n").file("work/src/tools/bin/tool", "tool\n");
    sandbox
}

/// `make -j4` with these words and the key.
fn make<'a>(sandbox: &'a Sandbox, words: &str) -> Run<'a> {
    let run = sandbox.program_run(["make", "-j4"].into_iter().chain(words.split_whitespace())).within("work");
    run.env("AICR_SIGNING_KEY", &sandbox.path("cosign.key").display().to_string()).whatever_it_prints()
}

#[test]
fn make_signs_what_is_not_up_to_date() {
    let sandbox = with_make();
    let made = |bundle: &str| {
        let stamp = sandbox.path(format!("work/out/{bundle}.signed"));
        fs::metadata(stamp).unwrap().modified().unwrap()
    };
    make(&sandbox, "").succeeds();
    is_signed(&sandbox, "out/firmware", "cosign.pub");
    is_signed(&sandbox, "out/tools", "cosign.pub");

    let before = [made("firmware"), made("tools")];
    make(&sandbox, "").succeeds();
    assert_eq!([made("firmware"), made("tools")], before);

    sandbox.file("work/src/tools/bin/another", "another\n");
    make(&sandbox, "").succeeds();
    assert_eq!(made("firmware"), before[0]);
    assert!(made("tools") > before[1]);
    is_signed(&sandbox, "out/tools", "cosign.pub");
    assert!(sandbox.path("work/out/tools/bin/another").is_file());

    sandbox.file("work/cosign.pub", sandbox.read("other.pub"));
    make(&sandbox, "").exits(2);
}

#[test]
fn make_rehearses_with_the_reference_of_the_key_manager() {
    let sandbox = with_make();
    for _ in 0..2 {
        make(&sandbox, "rehearsal").without("AICR_SIGNING_KEY").without("COSIGN_PASSWORD").succeeds();
        for bundle in ["rehearsal/firmware", "rehearsal/tools"] {
            is_signed(&sandbox, bundle, "throw-away/cosign.pub");
        }
    }
    make(&sandbox, "rehearsal AICR_SIGNING_KEY=awskms://alias/x").exits(2);
    make(&sandbox, "clean").succeeds();
    assert_eq!(sandbox.tree("work").iter().filter(|name| !name.starts_with("src")).count(), 2);
}

#[test]
fn the_page_about_pipelines_has_each_example() {
    let page = fs::read_to_string(repository().join("docs/pipelines.md")).unwrap();
    for entry in fs::read_dir(repository().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&format!("](../examples/{name})")), "{name}");
    }
}

#[test]
fn actions_are_pinned_to_a_commit() {
    let github = repository().join(".github");
    let files = ["workflows", "actions/setup"].map(|directory| fs::read_dir(github.join(directory)).unwrap());
    let files = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for file in files.chain([repository().join("examples/github-actions.yml")]) {
        let text = fs::read_to_string(&file).unwrap();
        for action in
            text.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses: "))
        {
            let commit = action.split(['@', ' ']).nth(1).unwrap_or_default();
            let pinned = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(pinned || action.starts_with("./"), "{}: {action}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}
