//! From names on the command line to scenarios.

use std::fs;
use std::path::Path;

use contain_test::scenario::{FindError, load, load_all, resolve};

fn good(name: &str) -> String {
    format!("version: 1\nname: {name}\nattacker: {{workload: forkbomb}}\nconfigs: [{{name: a}}]\n")
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).to_str().unwrap().to_owned()
}

fn names(paths: &[String]) -> Vec<String> {
    load_all(&resolve(paths).unwrap()).unwrap().into_iter().map(|it| it.name).collect()
}

#[test]
fn files_directories_and_shipped_names() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| path(directory.path(), name);
    fs::write(at("b.yaml"), good("bee")).unwrap();
    fs::write(at("a.yml"), good("ay")).unwrap();
    fs::write(at("notes.txt"), "nothing").unwrap();
    fs::create_dir(at("deeper")).unwrap();
    fs::write(at("deeper/c.yaml"), good("sea")).unwrap();
    let whole = directory.path().to_str().unwrap().to_owned();
    assert_eq!(names(std::slice::from_ref(&whole)), ["ay", "bee"]);
    let twice = at("deeper/../b.yaml");
    assert_eq!(
        names(&[at("b.yaml"), whole, twice, "pids".into(), "pids.yaml".into()]),
        ["bee", "ay", "pids"]
    );
    let shipped = &resolve(&["pids".to_owned()]).unwrap()[0];
    assert_eq!(load(shipped).unwrap().file, "(shipped)/pids.yaml");
}

#[test]
fn a_name_that_stands_for_nothing_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().to_str().unwrap().to_owned();
    let message = |name: &str| resolve(&[name.to_owned()]).unwrap_err().to_string();
    assert!(message("pid").contains("did you mean the shipped scenario `pids`?"));
    assert!(message("banana").contains("shipped scenarios: cpu, disk, "));
    assert!(message("no/such/file.yaml").contains("neither a file nor a shipped scenario"));
    assert!(message("\u{1b}[2J").contains("\\u{1b}[2J"));
    assert!(message(&empty).contains("holds no scenario"));
    assert!(message("/dev/null").contains("not a regular file"));
    assert!(matches!(resolve(&[]), Err(FindError::Nothing { .. })));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| path(directory.path(), name);
    fs::write(at("latin.yaml"), b"version: 1\nname: caf\xe9\n").unwrap();
    fs::write(at("large.yaml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    fs::write(at("gone.yaml"), "").unwrap();
    let sources = resolve(&[at("latin.yaml"), at("large.yaml"), at("gone.yaml")]).unwrap();
    fs::remove_file(at("gone.yaml")).unwrap();
    let errors = load_all(&sources).unwrap_err().to_string();
    for part in ["line 2 is not UTF-8", "larger than 1 MiB", "cannot read the file: No such"] {
        assert!(errors.contains(part), "{errors}");
    }
    for file in ["latin.yaml", "large.yaml", "gone.yaml"] {
        assert!(errors.contains(file), "{errors}");
    }
}

#[test]
fn errors_of_all_files_come_together_and_names_must_differ() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| path(directory.path(), name);
    fs::write(at("1.yaml"), good("same")).unwrap();
    fs::write(at("2.yaml"), good("same")).unwrap();
    fs::write(at("3.yaml"), "version: 2\n").unwrap();
    fs::write(at("4.yaml"), good("pids")).unwrap();
    let whole = directory.path().to_str().unwrap().to_owned();
    let errors = load_all(&resolve(&[whole, "pids".to_owned()]).unwrap()).unwrap_err();
    let files: Vec<_> = errors.0.iter().map(|it| it.file.rsplit('/').next().unwrap()).collect();
    assert_eq!(files[0], "2.yaml");
    assert_eq!(errors.0[0].position.line, 2);
    assert!(files[1..files.len() - 1].iter().all(|file| *file == "3.yaml"));
    assert_eq!(errors.0.last().unwrap().file, "(shipped)/pids.yaml");
}
