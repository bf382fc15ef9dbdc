//! Which files below `/proc` and `/sys` tell a sandbox something of others: they are read in both sandboxes and on the host, and what the
//! victim plants is looked for in what the attacker reads.

use std::collections::BTreeMap;
use std::time::Duration;

use contain_test_workloads::SurveyOrder;
use contain_test_workloads::protocol::{Order, Planted, Reply};

use super::EngineError;
use super::conversation::require;
use super::scene::Scene;
use super::surroundings::Surroundings;
use crate::analyze::{Rounds, Survey, Texts, class_by_text, classes, counted};
use crate::record::{Canary, Case};
use crate::sandbox::Sandbox;

/// Some thousand files are read one after the other, on an emulated machine too.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Files that the victim opens to be counted; few enough for the usual limit of 1024.
const HELD_FILES: u64 = 500;
/// So many more must be seen of them: others close some meanwhile.
const SEEN_FILES: u64 = 400;

/// The user as whom the host reads: one without any rights (`nobody`), so that nothing is read that only root may.
const NOBODY: u32 = 65_534;

/// Reads everything, classes it, and looks for what was planted.
///
/// # Errors
/// [`EngineError::Signal`]; somebody did not answer.
pub fn survey(
    scene: &mut Scene,
    planted: &Planted,
    case: &mut Case,
    around: &mut Surroundings<'_>,
) -> Result<(), EngineError> {
    let mut round = |scene: &mut Scene, texts: &[String]| -> Result<[Survey; 3], EngineError> {
        Ok([
            host(scene, texts, around)?,
            inside(&mut scene.attacker, texts, around)?,
            inside(&mut scene.victim, texts, around)?,
        ])
    };
    let [host_1, attacker_1, victim_1] = round(scene, &[])?;
    let [host_2, attacker_2, victim_2] = round(scene, &[])?;
    let found = classes(Rounds {
        host: [&host_1, &host_2],
        sandboxes: [[&attacker_1, &attacker_2], [&victim_1, &victim_2]],
    });
    let open: Vec<String> =
        found.iter().filter(|(_, class)| class.is_none()).map(|(path, _)| path.clone()).collect();
    let mut files: BTreeMap<String, _> =
        found.into_iter().filter_map(|(path, class)| Some((path, class?))).collect();
    if !open.is_empty() {
        let [before, attacker, victim] = round(scene, &open)?;
        let after = host(scene, &open, around)?;
        let texts = Texts { host: [&before, &after], sandboxes: [&attacker, &victim] };
        files.extend(open.into_iter().map(|path| {
            let class = class_by_text(&path, texts);
            (path, class)
        }));
    }
    let mut channels = counted(files);
    channels.canaries = canaries(scene, planted, around)?;
    case.channels = Some(channels);
    Ok(())
}

fn inside(
    sandbox: &mut Sandbox,
    texts: &[String],
    around: &mut Surroundings<'_>,
) -> Result<Survey, EngineError> {
    let order = Order::Survey { texts: texts.to_vec() };
    match require(sandbox, around.signals, &order, ANSWER_LIMIT)? {
        Reply::Surveyed { files } => Ok(files),
        other => Err(EngineError::Failed(format!("a sandbox answered {other:?}"))),
    }
}

fn host(
    scene: &mut Scene,
    texts: &[String],
    around: &mut Surroundings<'_>,
) -> Result<Survey, EngineError> {
    let order = SurveyOrder { user: NOBODY, texts: texts.to_vec() };
    scene.watcher.survey(&order, around.signals, ANSWER_LIMIT)
}

/// What the victim plants, and in which file it would be found.
fn canaries(
    scene: &mut Scene,
    planted: &Planted,
    around: &mut Surroundings<'_>,
) -> Result<Vec<Canary>, EngineError> {
    const FILE_NR: &str = "/proc/sys/fs/file-nr";
    const LOCKS: &str = "/proc/locks";
    const HOSTNAME: &str = "/proc/sys/kernel/hostname";
    const UNIX: &str = "/proc/net/unix";
    const SHM: &str = "/proc/sysvipc/shm";
    let texts: Vec<String> = [FILE_NR, LOCKS, HOSTNAME, UNIX, SHM].map(str::to_owned).to_vec();
    let before = [host(scene, &texts, around)?, inside(&mut scene.attacker, &texts, around)?];
    let order = Order::Hold { files: HELD_FILES, lock: planted.file.clone() };
    let inode = match require(&mut scene.victim, around.signals, &order, ANSWER_LIMIT)? {
        Reply::Held { inode } => inode,
        other => return Err(EngineError::Failed(format!("the victim answered {other:?}"))),
    };
    let after = [host(scene, &texts, around)?, inside(&mut scene.attacker, &texts, around)?];
    let text = |surveys: &[Survey; 2], who: usize, path: &str| {
        surveys[who].get(path).cloned().unwrap_or_default()
    };
    let open = |text: &str| -> u64 {
        text.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(0)
    };
    let (lock, key) = (format!(":{inode} "), planted.key.to_string());
    let seen = |who: usize| -> [bool; 5] {
        let grown =
            open(&text(&after, who, FILE_NR)).saturating_sub(open(&text(&before, who, FILE_NR)));
        let words = |path: &str, word: &str| {
            text(&after, who, path).split_whitespace().any(|it| it == word)
        };
        [
            grown >= SEEN_FILES,
            text(&after, who, LOCKS).contains(&lock),
            words(HOSTNAME, &planted.hostname),
            words(UNIX, &format!("@{}", planted.socket)),
            words(SHM, &key),
        ]
    };
    let [by_host, by_attacker] = [seen(0), seen(1)];
    let told = [
        (FILE_NR, "500 open files"),
        (LOCKS, "a lock on a file"),
        (HOSTNAME, "a host name"),
        (UNIX, "a socket"),
        (SHM, "shared memory"),
    ];
    Ok(told
        .into_iter()
        .enumerate()
        .map(|(index, (file, what))| Canary {
            file: file.to_owned(),
            what: what.to_owned(),
            neighbour: by_attacker[index],
            host: by_host[index],
        })
        .collect())
}
