-- A store as version 1 left it. Never to be changed: every later version takes it over.

-- What one host knows. Times are whole milliseconds: `*_elapsed_ms` on the elapsed line, `*_wall_ms` since 1970.
-- A wake's life cycle is drawn here once: begun, then ended with one outcome, then never touched again.
-- `json_valid(NULL)` is NULL in some versions of SQLite and 0 in others, so what may be NULL says so itself.

CREATE TABLE host (
    id                    INTEGER PRIMARY KEY CHECK (id = 1),
    seed                  INTEGER NOT NULL,
    next_wake             INTEGER NOT NULL CHECK (next_wake >= 1),
    switched_on           INTEGER NOT NULL CHECK (switched_on IN (0, 1)),
    restricted            INTEGER NOT NULL CHECK (restricted IN (0, 1)),
    paused_until_wall_ms  INTEGER,
    boot_id               TEXT,
    boot_ms               INTEGER CHECK (boot_ms >= 0),
    elapsed_ms            INTEGER CHECK (elapsed_ms >= 0),
    wall_ms               INTEGER,
    CHECK ((boot_id IS NULL) = (boot_ms IS NULL)
       AND (boot_id IS NULL) = (elapsed_ms IS NULL)
       AND (boot_id IS NULL) = (wall_ms IS NULL))
) STRICT;

CREATE TRIGGER host_keeps_its_seed BEFORE UPDATE OF seed ON host WHEN NEW.seed IS NOT OLD.seed
BEGIN SELECT RAISE(ABORT, 'the seed is made once'); END;

CREATE TRIGGER host_counts_wakes_upwards BEFORE UPDATE OF next_wake ON host WHEN NEW.next_wake < OLD.next_wake
BEGIN SELECT RAISE(ABORT, 'the number of the next wake never goes back'); END;

CREATE TABLE apps (
    id                      TEXT PRIMARY KEY NOT NULL CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 256),
    declared                INTEGER NOT NULL CHECK (declared IN (0, 1)),
    floor_ms                INTEGER CHECK (floor_ms >= 0),
    switched_on             INTEGER NOT NULL CHECK (switched_on IN (0, 1)),
    paused_until_wall_ms    INTEGER,
    force_quit              INTEGER NOT NULL CHECK (force_quit IN (0, 1)),
    failures                INTEGER NOT NULL CHECK (failures >= 0),
    overruns                INTEGER NOT NULL CHECK (overruns >= 0),
    back_off_until_elapsed_ms INTEGER CHECK (back_off_until_elapsed_ms >= 0),
    last_begun_elapsed_ms   INTEGER CHECK (last_begun_elapsed_ms >= 0),
    last_outcome            TEXT CHECK (last_outcome IS NULL OR json_valid(last_outcome)),
    leaving                 INTEGER NOT NULL CHECK (leaving IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
    app                   TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name                  TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 256),
    options               TEXT NOT NULL CHECK (json_valid(options) AND json_type(options) = 'object'),
    floor_ms              INTEGER CHECK (floor_ms >= 0),
    constraints           TEXT NOT NULL CHECK (json_valid(constraints) AND json_type(constraints) = 'array'),
    registered_elapsed_ms INTEGER NOT NULL CHECK (registered_elapsed_ms >= 0),
    last_begun_elapsed_ms INTEGER CHECK (last_begun_elapsed_ms >= 0),
    orphan                INTEGER NOT NULL CHECK (orphan IN (0, 1)),
    PRIMARY KEY (app, name)
) STRICT, WITHOUT ROWID;

-- Deferred: a batch may name the program before the app.
CREATE TABLE programs (
    app               TEXT PRIMARY KEY NOT NULL
                      REFERENCES apps (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    manifest          BLOB NOT NULL CHECK (length(manifest) > 0),
    program           BLOB NOT NULL CHECK (length(program) > 0),
    launch_program    BLOB CHECK (length(launch_program) > 0),
    launch_args       TEXT CHECK (launch_args IS NULL OR (json_valid(launch_args) AND json_type(launch_args) = 'array')),
    launch_cwd        BLOB CHECK (length(launch_cwd) > 0),
    launch_env        TEXT CHECK (launch_env IS NULL OR (json_valid(launch_env) AND json_type(launch_env) = 'object')),
    kind              TEXT NOT NULL CHECK (kind IN ('node', 'native', 'command')),
    changed_by        TEXT CHECK (changed_by IN ('exit_status', 'output')),
    last_output_hash  BLOB CHECK (length(last_output_hash) = 32),
    seen_wall_ms      INTEGER NOT NULL,
    CHECK ((kind = 'command') = (changed_by IS NOT NULL)),
    CHECK (last_output_hash IS NULL OR changed_by IS 'output'),
    CHECK ((launch_program IS NULL) = (launch_args IS NULL)
       AND (launch_program IS NULL) = (launch_cwd IS NULL)
       AND (launch_program IS NULL) = (launch_env IS NULL))
) STRICT, WITHOUT ROWID;

-- A wake outlives its app's removal, as the journal does; so `app` refers to no row once the wake has ended.
CREATE TABLE wakes (
    id                INTEGER PRIMARY KEY CHECK (id >= 0),
    app               TEXT NOT NULL CHECK (length(CAST(app AS BLOB)) BETWEEN 1 AND 256),
    state             TEXT NOT NULL CHECK (state IN ('begun', 'ended')),
    tasks             TEXT NOT NULL CHECK (json_valid(tasks) AND json_type(tasks) = 'array'),
    reason            TEXT NOT NULL CHECK (json_valid(reason)),
    missed            INTEGER NOT NULL CHECK (missed >= 0),
    begun_elapsed_ms  INTEGER NOT NULL CHECK (begun_elapsed_ms >= 0),
    begun_wall_ms     INTEGER NOT NULL,
    outcome           TEXT CHECK (outcome IS NULL OR json_valid(outcome)),
    results           TEXT CHECK (results IS NULL OR (json_valid(results) AND json_type(results) = 'array')),
    ended_elapsed_ms  INTEGER CHECK (ended_elapsed_ms >= begun_elapsed_ms),
    CHECK ((state = 'ended') = (outcome IS NOT NULL)
       AND (state = 'ended') = (results IS NOT NULL)
       AND (state = 'ended') = (ended_elapsed_ms IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX one_begun_wake_per_app ON wakes (app) WHERE state = 'begun';
CREATE INDEX wakes_by_app ON wakes (app, id);

CREATE TRIGGER wakes_begin_once BEFORE INSERT ON wakes
BEGIN
    SELECT RAISE(ABORT, 'a wake begins before it ends') WHERE NEW.state <> 'begun';
    SELECT RAISE(ABORT, 'a wake number is used once') WHERE NEW.id < (SELECT next_wake FROM host);
    SELECT RAISE(ABORT, 'only a known app is woken') WHERE NOT EXISTS (SELECT 1 FROM apps WHERE id = NEW.app);
END;

CREATE TRIGGER wakes_are_counted AFTER INSERT ON wakes
BEGIN UPDATE host SET next_wake = NEW.id + 1; END;

CREATE TRIGGER wakes_end_once BEFORE UPDATE ON wakes WHEN OLD.state = 'ended'
BEGIN SELECT RAISE(ABORT, 'a wake has one outcome'); END;

CREATE TRIGGER wakes_stay_what_they_were BEFORE UPDATE ON wakes
WHEN NEW.id IS NOT OLD.id OR NEW.app IS NOT OLD.app OR NEW.tasks IS NOT OLD.tasks OR NEW.reason IS NOT OLD.reason
  OR NEW.missed IS NOT OLD.missed OR NEW.begun_elapsed_ms IS NOT OLD.begun_elapsed_ms
  OR NEW.begun_wall_ms IS NOT OLD.begun_wall_ms
BEGIN SELECT RAISE(ABORT, 'how a wake began does not change'); END;

CREATE TRIGGER wakes_are_not_lost BEFORE DELETE ON wakes WHEN OLD.state = 'begun'
BEGIN SELECT RAISE(ABORT, 'a wake that has begun ends before it is forgotten'); END;

CREATE TRIGGER apps_end_their_wake_first BEFORE DELETE ON apps
WHEN EXISTS (SELECT 1 FROM wakes WHERE app = OLD.id AND state = 'begun')
BEGIN SELECT RAISE(ABORT, 'an app with a begun wake is not removed'); END;

CREATE TABLE outputs (
    wake            INTEGER PRIMARY KEY REFERENCES wakes (id) ON DELETE CASCADE,
    app             TEXT NOT NULL,
    stdout          TEXT NOT NULL,
    stderr          TEXT NOT NULL,
    dropped_bytes   INTEGER NOT NULL CHECK (dropped_bytes >= 0),
    stdout_hash     BLOB CHECK (length(stdout_hash) = 32),
    cpu_ms          INTEGER CHECK (cpu_ms >= 0),
    memory_bytes_max INTEGER CHECK (memory_bytes_max >= 0)
) STRICT;

CREATE INDEX outputs_by_app ON outputs (app, wake);

-- The newest entry is never deleted, so a sequence number is never used twice.
CREATE TABLE journal (
    sequence    INTEGER PRIMARY KEY CHECK (sequence >= 1),
    app         TEXT CHECK (length(CAST(app AS BLOB)) BETWEEN 1 AND 256),
    wake        INTEGER CHECK (wake >= 0),
    elapsed_ms  INTEGER NOT NULL CHECK (elapsed_ms >= 0),
    wall_ms     INTEGER NOT NULL,
    event       TEXT NOT NULL CHECK (json_valid(event) AND json_type(event) = 'object')
) STRICT;

CREATE INDEX journal_by_app ON journal (app, sequence);

INSERT INTO host VALUES (1, -2401053088876216593, 1, 0, 1, 1700000600000, '5a0c8f0e', 70000, 86400000, 1700086400000);
INSERT INTO apps VALUES ('com.example.reader', 1, 900000, 1, NULL, 0, 2, 1, 86500000, 86300000, '{"not_started":"load"}', 0);
INSERT INTO apps VALUES ('me.mail', 0, NULL, 0, -5, 1, 0, 0, NULL, NULL, NULL, 1);
INSERT INTO tasks VALUES ('com.example.reader', 'ma tâche', '{}', NULL, '[]', 2000, NULL, 1);
INSERT INTO tasks VALUES ('com.example.reader', 'sync', '{"minimumInterval":900}', 900000, '["external_power","any_network","unmetered_network","idle"]', 1000, 86300000, 0);
INSERT INTO programs VALUES ('com.example.reader', x'2f612f6170702e6a736f6e', x'2f612f6d61696e2e6d6a73', x'2f7573722f62696e2f6e6f6465', '["main.mjs"]', x'2f61', '{"LANG":"C"}', 'node', NULL, NULL, 1700000000000);
INSERT INTO programs VALUES ('me.mail', x'2f6d2e746f6d6c', x'2f7573722f62696e2f6d6273796e63', NULL, NULL, NULL, NULL, 'command', 'output', x'abababababababababababababababababababababababababababababababab', 1700000000001);
INSERT INTO wakes VALUES (1, 'com.example.reader', 'begun', '["sync"]', '{"code":"due"}', 0, 1000, 1700000000000, NULL, NULL, NULL);
UPDATE wakes SET state = 'ended', outcome = '"new_data"', results = '[["sync","new_data"]]', ended_elapsed_ms = 1500 WHERE id = 1;
INSERT INTO wakes VALUES (2, 'com.example.reader', 'begun', '["sync"]', '{"code":"released","held":"absence"}', 1, 2000, 1700000000001, NULL, NULL, NULL);
UPDATE wakes SET state = 'ended', outcome = '{"stopped":"host_stopping"}', results = '[["sync","new_data"]]', ended_elapsed_ms = 2500 WHERE id = 2;
INSERT INTO wakes VALUES (3, 'com.example.reader', 'begun', '["sync"]', '{"code":"retry","failures":2}', 2, 3000, 1700000000002, NULL, NULL, NULL);
UPDATE wakes SET state = 'ended', outcome = '{"stopped":{"constraint":"idle"}}', results = '[["sync","new_data"]]', ended_elapsed_ms = 3500 WHERE id = 3;
INSERT INTO wakes VALUES (4, 'com.example.reader', 'begun', '["sync"]', '{"code":"simulated"}', 0, 86300000, 1700086300000, NULL, NULL, NULL);
INSERT INTO outputs VALUES (3, 'com.example.reader', '3 new', '', 12, x'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 40, 1048576);
INSERT INTO journal VALUES (7, NULL, NULL, 0, 1700000000000, '{"event":"host_started","away":5000,"in_order":false}');
INSERT INTO journal VALUES (8, 'com.example.reader', NULL, 1000, 1700000000001, '{"event":"registered","task":"sync"}');
INSERT INTO journal VALUES (9, 'com.example.reader', NULL, 2000, 1700000000002, '{"event":"held","reason":{"code":"floor","floor":900000}}');
INSERT INTO journal VALUES (10, 'com.example.reader', 3, 3000, 1700000000003, '{"event":"ended","outcome":{"stopped":{"constraint":"idle"}},"took":500}');

PRAGMA application_id = 1650943589;
PRAGMA user_version = 1;
