//! Figures of the index of a fleet: `fleet FILE IMAGES PACKAGES` fills FILE where it is missing and asks it for advisories that
//! affect every image, one in ten, and none.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::path::Path;
use std::time::Instant;

use advisory::record::{Advisory, Affected};
use distribute::fleet::{Fleet, Installed, Member};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count = |place: usize, usual: usize| arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let path = Path::new(arguments.get(1).map_or("fleet.redb", String::as_str));
    let (images, packages, fresh) = (count(2, 10_000), count(3, 300), !path.exists());
    let fleet = Fleet::open(path).expect("opens");
    let start = Instant::now();
    for batch in (0..images).collect::<Vec<_>>().chunks(500).filter(|_| fresh) {
        let members: Vec<_> = batch.iter().map(|number| member(*number, packages)).collect();
        fleet.add(&members).expect("adds");
    }
    println!("{images} images of {packages} packages in {:?}", start.elapsed());
    for (name, what) in [("package-0", "all"), ("some-3", "one in ten"), ("nothing", "none")] {
        for _ in 0..3 {
            let part = Affected { ecosystem: "Debian:12".into(), package: name.into(), ..Affected::default() };
            let advisory = Advisory { id: "A".into(), affected: vec![part], ..Advisory::default() };
            let start = Instant::now();
            let found = fleet.affected(&[advisory], |_, version| version != "0").expect("answers").len();
            println!("an advisory about {what}: {found} images in {:?}", start.elapsed());
        }
    }
}

fn member(number: usize, packages: usize) -> Member {
    let installed = |name: String| Installed {
        ecosystem: "Debian:12".into(),
        package: name,
        version: format!("1.{}-{}", number % 7, number % 3),
    };
    let mut all: Vec<_> = (0..packages).map(|package| installed(format!("package-{package}"))).collect();
    all.push(installed(format!("some-{}", number % 10)));
    Member {
        digest: format!("sha256:{number:064x}"),
        names: vec![format!("registry.example/team-{}/app-{number}:1", number % 50)],
        workloads: vec![format!("team-{}/Deployment/app-{number}", number % 50)],
        packages: all,
    }
}
