//! When the system has no more of something: threads, processes. What can be done with less is done;
//! what cannot is one error, and leaves nothing behind.

use std::collections::BTreeSet;

use crate::fake::{HONEST, stage};
use crate::scene::Scene;

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// A run in which the calls that start threads and processes fail, those that `when` counts (see strace).
fn without_threads(scene: &Scene, follow: &str, when: &str, words: &str) -> (Option<i32>, String) {
    let inject = format!("inject=clone,?clone3,?fork,?vfork:error=EAGAIN:when={when}");
    let strace = format!(
        "strace {follow} -qq -o /dev/null -e trace=clone,?clone3,?fork,?vfork -e {inject} aicr {words}"
    );
    let output = scene.program_run(strace.split_whitespace()).output();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn files_are_read_by_the_threads_that_there_are() {
    let scene = Scene::new();
    // Large enough to be read ahead on a thread of its own.
    scene.small_dist().file("dist/large", vec![7; 9 << 20]);
    for when in ["1", "2", "3", "4", "1+", "2+", "3+"] {
        for (number, words) in ["bundle dist --output B -q --jobs 3", "verify B --checksums-only -q --jobs 3"]
            .into_iter()
            .enumerate()
        {
            let (code, stderr) = without_threads(&scene, "-f", when, words);
            assert_eq!((code, stderr.as_str()), (Some(0), ""), "{when}: {words}");
            if number == 1 {
                std::fs::remove_dir_all(scene.path("B")).unwrap();
            }
        }
    }
}

#[test]
fn no_cosign_is_run_that_nobody_can_listen_to() {
    let mut said = BTreeSet::new();
    for when in (1..20).map(|step| format!("{step}+")) {
        let scene = stage(HONEST);
        let before = scene.tree("");
        let (code, stderr) = without_threads(&scene, "", &when, &format!("bundle dist --output C -q {SIGN}"));
        if code == Some(0) {
            assert_eq!(stderr, "", "{when}");
            assert!(!said.is_empty(), "strace has kept nothing from it");
            assert_eq!(
                said.into_iter().collect::<Vec<_>>(),
                [
                    "error: cannot start a thread that reads what cosign prints: resource temporarily unavailable\n",
                    "error: {root}/bin/cosign would not start: resource temporarily unavailable\n",
                ]
            );
            return;
        }
        assert_eq!((code, scene.tree("")), (Some(1), before), "{when}: {stderr}");
        said.insert(stderr.replace(scene.path("").to_str().unwrap(), "{root}/"));
    }
    panic!("it never got through");
}
