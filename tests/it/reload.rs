//! SIGHUP: the settings are read again, and what can change does without losing what is known.

use crate::harness::market::{Feeder, now_ms};
use crate::harness::scene::{RECOVERY, is, json};
use crate::harness::{Analytics, LogLine, RedisServer, SOON, Scene, until};
use std::path::PathBuf;
use tempfile::TempDir;

const READ_AGAIN: &str = "settings read again";
const WRONG: &str = "those read again are wrong";

/// A file of settings that can be rewritten.
struct Settings {
    folder: TempDir,
}

impl Settings {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Self { folder };
        settings.write(text);
        settings
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.toml")
    }

    fn write(&self, text: &str) {
        // As a whole: a signal may come at any time.
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn daemon(&self, redis: &RedisServer) -> Analytics {
        let path = self.path();
        let args = ["run", "--config", path.to_str().unwrap()];
        Analytics::spawn(&args, &[("REDIS_URL", &redis.url())])
    }
}

/// Settings of few small buckets and of jobs on every pass.
fn text(symbols: &[&str], order_book: f64, more: &str) -> String {
    format!(
        "symbols.standard = {symbols:?}\nhttp.listen = [\"127.0.0.1:0\"]\n\
        update_intervals.vpin = 0.5\nupdate_intervals.order_book = {order_book:?}\n\
        calculators.vpin.bucket_size = 200\ncalculators.vpin.buckets = 20\n\
        calculators.vpin.min_trades = 40\n{more}\n"
    )
}

fn scene(settings: &Settings, redis: RedisServer, symbols: &[&str], fed: &[&str]) -> Scene {
    let feeder = Feeder::start(&redis.socket(), fed);
    let scene = Scene {
        daemon: settings.daemon(&redis),
        feeder,
        redis,
        symbols: symbols.iter().map(ToString::to_string).collect(),
    };
    scene.all_current(SOON);
    scene
}

fn read_again(daemon: &Analytics) -> Vec<LogLine> {
    let mut log = daemon.log();
    log.retain(|line| line.message == READ_AGAIN);
    log
}

/// Sends the signal and waits until the settings were read; what changed.
#[track_caller]
fn hang_up(daemon: &Analytics) -> String {
    let before = read_again(daemon).len();
    daemon.signal("HUP");
    let line = until("the settings are read again", SOON, || {
        read_again(daemon).get(before).cloned()
    });
    line.fields["changed"].as_str().unwrap().to_owned()
}

/// The values behind the percentile: a count that begins anew with VPIN.
fn samples(scene: &Scene, symbol: &str) -> Option<u64> {
    scene.document(symbol, "vpin")?["percentile_samples"].as_u64()
}

#[test]
fn what_can_change_changes_and_nothing_known_is_lost() {
    let settings = Settings::new(&text(&["AAA", "BBB"], 0.5, ""));
    let all = ["AAA", "BBB", "CCC"];
    let mut scene = scene(&settings, RedisServer::start(), &all[..2], &all);
    until("VPIN knows its past", 2 * SOON, || {
        all[..2]
            .iter()
            .all(|symbol| samples(&scene, symbol) > Some(200))
            .then_some(())
    });
    let known = all.map(|symbol| samples(&scene, symbol));
    let since = |scene: &Scene| scene.status()["symbols"]["BBB"]["vpin"]["since"].clone();
    let warm_since = since(&scene);

    let more = "calculators.vpin.bucket_sizes.AAA = 1000\nredis.pool_size = 3\ntape.ring = 600\n\
        store_ttls.heartbeat = 100";
    settings.write(&text(&all, 2.0, more));
    let changed = hang_up(&scene.daemon);
    assert_eq!(
        changed,
        "calculators.vpin.bucket_sizes, calculators.vpin.bucket_sizes.AAA, \
        store_ttls.heartbeat, symbols.standard, update_intervals.order_book"
    );
    let told = "needs a restart: redis.pool_size, tape.ring";
    scene.daemon.logged(told, SOON);

    scene.symbols.push("CCC".into());
    scene.all_current(RECOVERY);
    until("AAA has buckets of the new size", RECOVERY, || {
        (scene.document("AAA", "vpin")?["bucket_size"] == 1000.0).then_some(())
    });
    assert!(samples(&scene, "AAA") < known[0], "it began anew");
    assert!(samples(&scene, "BBB") >= known[1], "it went on");
    assert_eq!(since(&scene), warm_since, "never without a value");
    assert_eq!(scene.document("BBB", "vpin").unwrap()["bucket_size"], 200.0);
    until("the heartbeat tells", RECOVERY, || {
        let beat = scene.heartbeat();
        let ttl: i64 = scene
            .redis
            .cli(&["TTL", "heartbeat:analytics"])
            .parse()
            .unwrap();
        let told = beat["update_intervals"]["order_book"] == 2.0 && beat["symbols"] == 3;
        (told && ttl > 15).then_some(())
    });
    until("CCC is warm", SOON, || samples(&scene, "CCC"));

    settings.write(&text(&["BBB", "CCC"], 0.5, more));
    hang_up(&scene.daemon);
    until("AAA is gone", RECOVERY, || {
        let gone = scene.status()["symbols"].get("AAA").is_none();
        (gone && scene.heartbeat()["symbols"] == 2).then_some(())
    });
    let now = now_ms();
    scene.current(&["BBB", "CCC"], RECOVERY);
    assert!(!scene.is_current("AAA", "obi", now));
    assert_eq!(hang_up(&scene.daemon), "", "the same settings once more");
    scene.finish(&["needs a restart"]);
}

#[test]
fn a_job_can_be_switched_off_and_on_again() {
    let settings = Settings::new(&text(&["AAA"], 0.5, ""));
    let scene = scene(&settings, RedisServer::start(), &["AAA"], &["AAA"]);
    let off = text(&["AAA"], 0.5, "").replace("vpin = 0.5", "vpin = \"off\"");
    settings.write(&off);
    assert_eq!(hang_up(&scene.daemon), "update_intervals.vpin");
    let jobs = |scene: &Scene| scene.heartbeat()["update_intervals"].clone();
    until("VPIN is no job", RECOVERY, || {
        let documents = scene.status()["symbols"]["AAA"].clone();
        (jobs(&scene).get("vpin").is_none() && documents.get("vpin").is_none()).then_some(())
    });
    settings.write(&text(&["AAA"], 0.5, ""));
    hang_up(&scene.daemon);
    let since = now_ms();
    until("VPIN is back", RECOVERY, || {
        let back = scene.is_current("AAA", "vpin", since) && jobs(&scene)["vpin"] == 0.5;
        back.then_some(())
    });
    scene.finish(&[]);
}

#[test]
fn a_bad_file_changes_nothing_and_all_its_problems_are_told() {
    let settings = Settings::new(&text(&["AAA"], 0.5, ""));
    let scene = scene(&settings, RedisServer::start(), &["AAA"], &["AAA", "BBB"]);
    let bad = "limits.max_price = -1\ntape.rang = 5\ncalculators.vpin.history = 1";
    settings.write(&text(&["AAA", "BBB"], 2.0, bad));
    scene.daemon.signal("HUP");
    let line = until("the log says so", SOON, || {
        let mut log = scene.daemon.log().into_iter();
        log.find(|line| line.message.contains(WRONG))
    });
    let problems = line.fields["problems"].as_str().unwrap();
    for key in ["limits.max_price", "tape.rang", "calculators.vpin.history"] {
        assert!(problems.contains(key), "{key}: {problems}");
    }
    assert!(line.text.contains(r#""level":"ERROR""#), "{}", line.text);
    scene.current(&["AAA"], RECOVERY);
    let beat = scene.heartbeat();
    assert_eq!(beat["symbols"], 1);
    assert_eq!(beat["update_intervals"]["order_book"], 0.5);
    assert!(scene.document("BBB", "obi").is_none());

    // The next good one counts.
    settings.write(&text(&["AAA", "BBB"], 0.5, ""));
    assert_eq!(hang_up(&scene.daemon), "symbols.standard");
    scene.current(&["BBB"], RECOVERY);
    scene.finish(&[WRONG]);
}

#[test]
fn the_log_takes_another_level() {
    let of = |level: &str| text(&["AAA"], 0.5, &format!("log.level = {level:?}"));
    let settings = Settings::new(&of("error"));
    let redis = RedisServer::start();
    let daemon = settings.daemon(&redis);
    until("it runs", SOON, || {
        (redis.cli(&["EXISTS", "heartbeat:analytics"]) == "1").then_some(())
    });
    assert_eq!(daemon.log().len(), 0);

    settings.write(&of("info"));
    assert_eq!(hang_up(&daemon), "log.level");

    // Nothing tells of this one but what else it changes.
    settings.write(&format!("{}store_ttls.heartbeat = 100\n", of("error")));
    daemon.signal("HUP");
    until("the heartbeat lives longer", SOON, || {
        let ttl: i64 = redis.cli(&["TTL", "heartbeat:analytics"]).parse().unwrap();
        (ttl > 15).then_some(())
    });
    settings.write(&of("info"));
    assert_eq!(hang_up(&daemon), "log.level, store_ttls.heartbeat");
    assert_eq!(read_again(&daemon).len(), 2, "the second was not told");
    daemon.finish();
}

#[test]
fn settings_are_read_again_while_the_store_is_waited_for() {
    let settings = Settings::new(&text(&["AAA"], 0.5, ""));
    let mut redis = RedisServer::start();
    redis.kill();
    let daemon = settings.daemon(&redis);
    is(&daemon, "degraded", SOON);
    settings.write(&text(&["BBB"], 0.5, ""));
    assert_eq!(hang_up(&daemon), "symbols.standard");
    redis.restart();
    let feeder = Feeder::start(&redis.socket(), &["AAA", "BBB"]);
    let scene = Scene {
        daemon,
        feeder,
        redis,
        symbols: vec!["BBB".into()],
    };
    scene.all_current(SOON);
    assert!(scene.document("AAA", "obi").is_none());
    assert_eq!(json(&scene.daemon, "/ready")["ready"], true);
    scene.finish(&["not connected to redis"]);
}
