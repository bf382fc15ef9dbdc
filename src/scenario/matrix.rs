//! `matrix`: axes of values, each combination of which makes a config of its own out of every config of the file.

use super::decode::{self, MAX_CONFIGS};
use super::diagnostic::{Problems, Spot, quoted};
use super::layers::{Merged, merge};
use super::node::{Entry, Kind, Node};
use super::words;
use super::written::{FileWritten, Layer, Located};

/// What can vary: the attacker's limits and effort, the placement, the node, and the machine.
pub(super) const AXES: &[&str] = &[
    "limits.pids",
    "limits.memory",
    "limits.memory.high",
    "limits.memory.low",
    "limits.memory.min",
    "limits.swap",
    "limits.cpu",
    "limits.weight",
    "limits.idle",
    "limits.cpuset",
    "limits.nofile",
    "limits.nproc",
    "limits.tmpfs",
    "limits.net",
    "intensity",
    "threads",
    "kind",
    "placement",
    "node.cpus",
    "node.memory",
    "node.pids",
    "node.disk",
    "node.uplink",
    "machine",
    "machine.vm.kernel",
    "machine.vm.cgroup",
    "machine.vm.cpus",
    "machine.vm.memory",
    "machine.vm.swap",
    "machine.vm.disk",
    "machine.vm.append",
];

/// The longest name of an expanded config, in characters; names head the columns of the report.
const LONGEST_NAME: usize = 120;

/// The longest value on an axis, in characters.
const LONGEST_VALUE: usize = 40;

/// The longest file name of a kernel on an axis: Debian's packages have long ones.
const LONGEST_KERNEL: usize = 80;

/// All axes of a file.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    /// The place of the key.
    pub spot: Spot,
    axes: Vec<Axis>,
}

#[derive(Debug, Clone)]
struct Axis {
    name: String,
    points: Vec<Point>,
}

/// One value of an axis.
#[derive(Debug, Clone)]
struct Point {
    /// `axis=value`, the value as written.
    label: String,
    /// A layer in which nothing but this value is given.
    layer: Layer,
}

/// Reads the axes. What is wrong with one value leaves the others standing, so that their errors are found too.
pub(super) fn matrix(entry: &Entry, problems: &mut Problems) -> Matrix {
    let mut matrix = Matrix { spot: entry.key_spot, axes: Vec::new() };
    let Some(entries) = words::map(&entry.value, "`matrix`", problems) else { return matrix };
    if entries.is_empty() {
        problems.add(entry.value.spot, "`matrix` has no axis").help("leave the key out instead");
    }
    for entry in entries {
        if AXES.contains(&entry.key.as_str()) {
            matrix.axes.extend(axis(entry, problems));
        } else {
            unknown_axis(entry, problems);
        }
    }
    matrix
}

fn unknown_axis(entry: &Entry, problems: &mut Problems) {
    let key = entry.key.as_str();
    // Limits before the node: they are what is varied most.
    let near = AXES.iter().find(|axis| {
        axis.split_once('.').is_some_and(|(_, last)| last == key)
            || key.split_once('.').is_some_and(|(_, last)| last == **axis || key.ends_with(**axis))
    });
    words::unknown(problems, entry.key_spot, "axis", key, AXES, &[]);
    if let (Some(near), Some(problem)) = (near, problems.last()) {
        problem.help(format!("did you mean `{near}`?"));
    }
}

fn axis(entry: &Entry, problems: &mut Problems) -> Option<Axis> {
    let name = entry.key.clone();
    let Kind::Seq(items) = &entry.value.kind else {
        problems
            .add(entry.value.spot, format!("the axis {} must be a list of values", quoted(&name)))
            .help(format!("write `{name}: [VALUE, VALUE]`"));
        return None;
    };
    if items.is_empty() {
        problems
            .add(entry.value.spot, format!("the axis {} has no value", quoted(&name)))
            .help("an axis without values would leave no config");
    }
    let mut points: Vec<Point> = Vec::new();
    for item in items.iter().take(MAX_CONFIGS + 1) {
        let layer = layer_of(&name, entry.key_spot, item, problems);
        let (Some((spot, value)), Kind::Scalar(written)) = (found(&layer, &name), &item.kind)
        else {
            continue;
        };
        let (label, longest) = label_of(&name, written);
        if label.len() > longest {
            let message = format!("{} is too long to become part of a name", quoted(label));
            problems
                .add(spot, message)
                .help(format!("a value on an axis has at most {longest} characters"));
            continue;
        }
        let same = |point: &&Point| found(&point.layer, &name).is_some_and(|it| it.1 == value);
        if let Some(first) = points.iter().find(same) {
            let message =
                format!("{} is given twice on the axis {}", quoted(written), quoted(&name));
            problems.add(spot, message).help(format!("it is the same as `{}`", first.label));
            continue;
        }
        points.push(Point { label: format!("{name}={label}"), layer });
    }
    (!points.is_empty()).then_some(Axis { name, points })
}

/// How a value shows in a name: as written, and a kernel by its file's name, since its folders say nothing.
fn label_of<'w>(axis: &str, written: &'w str) -> (&'w str, usize) {
    match axis {
        "machine.vm.kernel" => (written.rsplit('/').next().unwrap_or(written), LONGEST_KERNEL),
        _ => (written, LONGEST_VALUE),
    }
}

/// Reads one value as the key of the same name would be read elsewhere in the file.
fn layer_of(axis: &str, key_spot: Spot, item: &Node, problems: &mut Problems) -> Layer {
    let mut layer = Layer::default();
    let entry = |key: &str, value: Node| Entry { key: key.to_owned(), key_spot, value };
    let map = |key: &str| Node { spot: item.spot, kind: Kind::Map(vec![entry(key, item.clone())]) };
    match axis.split_once('.') {
        // Not a whole map of limits: what must go together is checked when it is together.
        Some(("limits", key)) => layer.attacker.limits = decode::limits::keys(&map(key), problems),
        Some(("machine", path)) => {
            let key = path.strip_prefix("vm.").unwrap_or(path);
            let vm = Kind::Map(vec![entry("vm", map(key))]);
            let vm = Node { spot: item.spot, kind: vm };
            decode::layer_key(&entry("machine", vm), &mut layer, problems);
        }
        Some((outer, key)) => decode::layer_key(&entry(outer, map(key)), &mut layer, problems),
        None if matches!(axis, "intensity" | "threads" | "kind") => {
            decode::layer_key(&entry("attacker", map(axis)), &mut layer, problems);
        }
        None => decode::layer_key(&entry(axis, item.clone()), &mut layer, problems),
    }
    layer
}

/// What a layer says on an axis: the place of the value, and the value in one spelling.
fn found(layer: &Layer, axis: &str) -> Option<(Spot, String)> {
    fn shown<T: ToString>(it: &Option<Located<T>>) -> Option<(Spot, String)> {
        it.as_ref().map(|it| (it.spot, it.value.to_string()))
    }
    let limits = layer.attacker.limits.as_ref();
    let machine = &layer.machine;
    let place = machine.place.as_ref().map(|it| (it.spot, format!("{:?}", it.value)));
    // Who says `host` has said something of every guest.
    let host = place.clone().filter(|(_, place)| place == "Host");
    match axis {
        "machine" => place,
        "machine.vm.kernel" => shown(&machine.kernel).or(host),
        "machine.vm.cgroup" => {
            machine.cgroup.as_ref().map(|it| (it.spot, it.value.name().to_owned())).or(host)
        }
        "machine.vm.cpus" => shown(&machine.cpus).or(host),
        "machine.vm.memory" => shown(&machine.memory).or(host),
        "machine.vm.swap" => shown(&machine.swap).or(host),
        "machine.vm.disk" => shown(&machine.disk).or(host),
        "machine.vm.append" => shown(&machine.append).or(host),
        "limits.pids" => shown(&limits?.pids),
        "limits.memory" => shown(&limits?.memory),
        "limits.swap" => shown(&limits?.swap),
        "limits.cpu" => shown(&limits?.cpu),
        "limits.weight" => shown(&limits?.weight),
        "limits.idle" => shown(&limits?.idle),
        "limits.cpuset" => shown(&limits?.cpuset),
        "limits.nofile" => shown(&limits?.nofile),
        "limits.nproc" => shown(&limits?.nproc),
        "limits.tmpfs" => shown(&limits?.tmpfs),
        "limits.net" => shown(&limits?.net_egress).or_else(|| shown(&limits?.net_ingress)),
        "limits.memory.high" | "limits.memory.low" | "limits.memory.min" => {
            shown(&limits?.unified.get(axis.strip_prefix("limits.")?).cloned())
        }
        "intensity" => shown(&layer.attacker.intensity),
        "threads" => shown(&layer.attacker.threads),
        "kind" => shown(&layer.attacker.kind),
        "placement" => layer.placement.as_ref().map(|it| (it.spot, format!("{:?}", it.value))),
        "node.cpus" => shown(&layer.node.cpus),
        "node.memory" => shown(&layer.node.memory),
        "node.pids" => shown(&layer.node.pids),
        "node.disk" => shown(&layer.node.disk),
        "node.uplink" => shown(&layer.node.uplink),
        _ => None,
    }
}

/// Lays every config of a file over its base, once for each combination of the matrix; the last axis varies fastest.
pub(super) fn expand<'a>(file: &'a FileWritten, problems: &mut Problems) -> Vec<Merged<'a>> {
    let configs: Vec<Merged<'_>> =
        file.configs.iter().map(|config| merge(&file.base, config)).collect();
    let Some(matrix) = &file.matrix else { return configs };
    for config in &configs {
        for axis in &matrix.axes {
            refuse_both(config, axis, matrix, problems);
        }
    }
    let count = matrix
        .axes
        .iter()
        .try_fold(configs.len(), |count, axis| count.checked_mul(axis.points.len()));
    if count.is_none_or(|count| count > MAX_CONFIGS) {
        let shape: Vec<String> =
            matrix.axes.iter().map(|axis| axis.points.len().to_string()).collect();
        problems
            .add(matrix.spot, format!("`matrix` makes more than {MAX_CONFIGS} configs"))
            .help(format!("configs × values are {} × {}", configs.len(), shape.join(" × ")));
        return configs;
    }
    let mut all = configs;
    for axis in &matrix.axes {
        all = all
            .iter()
            .flat_map(|config| axis.points.iter().map(|point| at(config, point)))
            .collect();
    }
    for config in &all {
        if let Some(limits) = &config.attacker.limits {
            decode::limits::agree(limits, problems);
        }
        if let Some(name) = config.name.as_ref().filter(|name| name.len() > LONGEST_NAME) {
            problems
                .add(
                    matrix.spot,
                    format!("`matrix` makes names of more than {LONGEST_NAME} characters"),
                )
                .help(format!("one is `{name}`; use fewer axes or shorter names"));
        }
    }
    all
}

/// A config that sets what an axis varies would lose its value without a word.
fn refuse_both(config: &Merged<'_>, axis: &Axis, matrix: &Matrix, problems: &mut Problems) {
    if let Some((spot, _)) = found(&config.written.layer, &axis.name) {
        let line = matrix.spot.position.line;
        problems
            .add(spot, format!("the axis {} of the matrix sets this too", quoted(&axis.name)))
            .help(format!("remove it here or there; the matrix stands in line {line}"));
    }
}

/// The config at one value of an axis.
fn at<'a>(config: &Merged<'a>, point: &Point) -> Merged<'a> {
    let mut here = config.clone();
    here.overlay(&point.layer);
    here.name = Some(match &config.name {
        Some(name) => format!("{name},{}", point.label),
        None => point.label.clone(),
    });
    here
}
