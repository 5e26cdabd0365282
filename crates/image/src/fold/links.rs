//! Folders that are symbolic links: what an upper layer puts into one, or deletes there, lies where the link leads.
//!
//! A layer knows its own links only, so where its entries go is known when the layers below are. Only layers that put
//! something into folders without entries of their own can be meant; nearly all layers have none, and cost nothing here.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::databases;
use crate::facts::LayerFacts;
use crate::path::{PathHash, ancestry};

/// Links through which the entries of one layer go.
#[derive(Debug, Default)]
pub(super) struct Through {
    /// The link as the layer's entries name it, and where it leads.
    links: Vec<(Box<str>, Box<str>)>,
}

impl Through {
    /// Whether all entries lie where they say.
    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Where an entry lies.
    pub(super) fn place<'a>(&self, path: &'a str) -> Cow<'a, str> {
        self.moved(path, false)
    }

    /// Which folder a folder is.
    pub(super) fn folder<'a>(&self, path: &'a str) -> Cow<'a, str> {
        self.moved(path, true)
    }

    /// The other names under which an entry of the layer may mean a path, each with the link in it.
    pub(super) fn names<'s>(&'s self, path: &'s str) -> impl Iterator<Item = (String, &'s str)> {
        self.links.iter().filter_map(move |(link, target)| {
            let rest = if target.is_empty() { path } else { path.strip_prefix(&**target)?.strip_prefix('/')? };
            Some((format!("{link}/{rest}"), &**link))
        })
    }

    fn moved<'a>(&self, path: &'a str, itself: bool) -> Cow<'a, str> {
        let fits = |rest: &str| rest.starts_with('/') || itself && rest.is_empty();
        let mut best: Option<(&str, &str)> = None;
        for (link, target) in &self.links {
            match path.strip_prefix(&**link).filter(|rest| fits(rest)) {
                Some(rest) if best.is_none_or(|(_, other)| rest.len() < other.len()) => best = Some((target, rest)),
                _ => {}
            }
        }
        match best {
            Some((target, rest)) => Cow::Owned(format!("{target}{rest}").trim_start_matches('/').to_owned()),
            None => Cow::Borrowed(path),
        }
    }
}

/// The links of all layers.
pub(super) struct Links<'a> {
    layers: &'a [Option<Arc<LayerFacts>>],
    through: Vec<Through>,
    /// Links by the hash of their path.
    by_hash: HashMap<PathHash, &'a str>,
    /// What could not be followed.
    pub(super) damage: Vec<(u32, String)>,
}

impl<'a> Links<'a> {
    /// Looks through the layers, bottom first.
    pub(super) fn of(layers: &'a [Option<Arc<LayerFacts>>]) -> Self {
        let mut links =
            Links { layers, through: Vec::with_capacity(layers.len()), by_hash: HashMap::new(), damage: Vec::new() };
        if layers.iter().flatten().any(|layer| !layer.implied.is_empty()) {
            let all = layers.iter().flatten().flat_map(|layer| &layer.links);
            links.by_hash = all.map(|(path, _)| (PathHash::of(path), &**path)).collect();
        }
        for index in 0..layers.len() {
            let through = links.through_of(index);
            links.through.push(through);
        }
        links
    }

    /// The links through which the entries of a layer go.
    pub(super) fn through(&self, index: usize) -> &Through {
        self.through.get(index).unwrap_or(&NOWHERE)
    }

    /// Package databases that programs reach through links and that lie where nobody looks for one, with their place.
    pub(super) fn databases_elsewhere(&self) -> Vec<(&'static str, String)> {
        let Some(top) = self.layers.len().checked_sub(1) else { return Vec::new() };
        let moved = databases().filter_map(|database| {
            let place = self.resolve(database, top)?;
            let known = databases().any(|end| place.ends_with(end));
            let hash = PathHash::of(&place);
            let there = |layer: &Arc<LayerFacts>| {
                [&layer.hides, &layer.folders, &layer.implied].iter().any(|paths| paths.binary_search(&hash).is_ok())
            };
            (!known && self.layers.iter().flatten().any(there)).then_some((database, place))
        });
        moved.collect()
    }

    fn through_of(&mut self, index: usize) -> Through {
        let Some(layer) = self.layers.get(index).and_then(Option::as_ref) else { return Through::default() };
        let mut waiting: Vec<(Box<str>, &str)> = layer
            .implied
            .iter()
            .filter_map(|hash| self.by_hash.get(hash))
            .map(|path| (Box::from(*path), *path))
            .collect();
        let mut through = Through::default();
        // Links in folders that are links have more names.
        while let Some((name, path)) = waiting.pop() {
            if self.target(path, index).is_none() {
                continue;
            }
            let Some(leads) = self.resolve(path, index) else {
                let path = path.escape_debug();
                self.damage.push((index as u32, format!("the link `{path}` leads in a circle, and files lie in it")));
                continue;
            };
            if through.links.len() >= THROUGH_MAX {
                self.damage.push((index as u32, "files lie in more links than are followed".to_owned()));
                break;
            }
            waiting.extend(self.inside(&name, &leads, layer, index));
            through.links.push((name, leads.into()));
        }
        through
    }

    /// Links in a folder that a link leads to, through which entries of the layer go too.
    fn inside(&self, name: &str, leads: &str, layer: &LayerFacts, index: usize) -> Vec<(Box<str>, &'a str)> {
        let start = format!("{leads}/");
        let below = self.layers.iter().take(index + 1).flatten().flat_map(|layer| {
            let from = layer.links.partition_point(|(path, _)| **path < *start);
            layer.links.get(from..).unwrap_or_default().iter().take_while(|(path, _)| path.starts_with(&start))
        });
        let names = below.take(INSIDE_MAX).map(|(path, _)| (format!("{name}/{}", &path[start.len()..]), &**path));
        let used = names.filter(|(name, _)| layer.implied.binary_search(&PathHash::of(name)).is_ok());
        used.map(|(name, path)| (name.into(), path)).collect()
    }

    /// Where a path leads when every link on it is followed, in a layer and those below it; itself where there is none.
    /// `None` where the links lead in a circle.
    fn resolve(&self, path: &str, index: usize) -> Option<String> {
        let mut place = String::new();
        let mut rest: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let mut followed = 0;
        while let Some(step) = rest.pop() {
            match &*step {
                "" | "." => {}
                ".." => place.truncate(place.rfind('/').unwrap_or(0)),
                step => {
                    let parent = place.len();
                    if !place.is_empty() {
                        place.push('/');
                    }
                    place.push_str(step);
                    let Some(target) = self.target(&place, index) else { continue };
                    followed += 1;
                    if followed > FOLLOWED_MAX {
                        return None;
                    }
                    place.truncate(if target.starts_with('/') { 0 } else { parent });
                    rest.extend(target.rsplit('/').map(str::to_owned));
                }
            }
        }
        Some(place)
    }

    /// The target of the link that lies at a path in a layer and those below it.
    fn target(&self, path: &str, index: usize) -> Option<&'a str> {
        for at in (0..=index).rev() {
            let Some(layer) = self.layers.get(at).and_then(Option::as_ref) else { continue };
            if let Ok(found) = layer.links.binary_search_by(|(link, _)| (**link).cmp(path)) {
                return layer.links.get(found).map(|(_, target)| &**target);
            }
            if hides(layer, path, &NOWHERE) || hides(layer, path, self.through(at)) {
                return None;
            }
        }
        None
    }
}

/// Whether one layer hides what the layers below have at a path, be it called by that name or by one through links.
pub(super) fn hides(layer: &LayerFacts, path: &str, through: &Through) -> bool {
    if !through.is_empty() {
        return through.names(path).any(|(name, link)| named(layer, &name, link));
    }
    named(layer, path, "") || layer.opaque.binary_search_by(|other| (**other).cmp("")).is_ok()
}

/// As the layer names the path; what is at `above` and over it belongs to other paths.
fn named(layer: &LayerFacts, path: &str, above: &str) -> bool {
    let has = |paths: &[Box<str>], step: &str| paths.binary_search_by(|other| (**other).cmp(step)).is_ok();
    let steps = ancestry(path).take_while(|step| step.len() > above.len());
    let replaced = steps.enumerate().any(|(up, step)| {
        let hash = PathHash::of(step);
        layer.hides.binary_search(&hash).is_ok()
            || has(&layer.whiteouts, step)
            || if up > 0 { has(&layer.opaque, step) } else { layer.folders.binary_search(&hash).is_ok() }
    });
    replaced || !above.is_empty() && has(&layer.opaque, above)
}

static NOWHERE: Through = Through { links: Vec::new() };

/// Links that are followed for one path, as Linux has it.
const FOLLOWED_MAX: usize = 40;

/// Links through which the entries of one layer go. Systems whose programs moved to `usr` have some eight.
const THROUGH_MAX: usize = 32;

/// Links looked at in one folder that a link leads to.
const INSIDE_MAX: usize = 100_000;
