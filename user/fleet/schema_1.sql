-- SPDX-License-Identifier: GPL-2.0-only
-- The store of a fleet, version 1. Run by `lockvane fleet init` in one transaction, as the owner.
--
-- A host that pushes is not trusted: the role lockvane_pusher has no right to any table. It may call the
-- push_* functions, which run as the owner, and which compute the key of a row from what is in it: a row
-- that is shared by hosts can be brought by anybody, but not under another's key, and never changed. A
-- host belongs to the login that pushed it first.

CREATE DOMAIN printable AS text COLLATE "C" CHECK (VALUE ~ '^[ -~]*$' AND length(VALUE) <= 4200);

CREATE TABLE host (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner name NOT NULL,
	key uuid NOT NULL,
	name printable NOT NULL,
	first_push timestamptz NOT NULL DEFAULT now(),
	last_push timestamptz NOT NULL DEFAULT now(),
	UNIQUE (owner, key)
);

-- A kernel build, and how it was recorded: only graphs that agree in all of it have the same places.
CREATE TABLE build (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kernel printable NOT NULL,
	build printable NOT NULL,
	machine printable NOT NULL,
	rt boolean NOT NULL,
	annotated boolean NOT NULL,
	nr_parts int NOT NULL DEFAULT 0,
	UNIQUE (kernel, build, machine, rt, annotated)
);

-- One host on one kernel build.
CREATE TABLE run (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	host int NOT NULL REFERENCES host ON DELETE CASCADE,
	build int NOT NULL REFERENCES build ON DELETE CASCADE,
	added int NOT NULL DEFAULT 0, -- parts that this host brought first
	version printable NOT NULL DEFAULT '',
	started bigint NOT NULL DEFAULT 0,
	duration bigint NOT NULL DEFAULT 0,
	events bigint NOT NULL DEFAULT 0,
	lost bigint NOT NULL DEFAULT 0,
	unlocks_hidden boolean NOT NULL DEFAULT false,
	irqs_unseen boolean NOT NULL DEFAULT false,
	preempts boolean NOT NULL DEFAULT false,
	digests bytea NOT NULL DEFAULT '' CHECK (length(digests) <= 4096), -- of what was pushed whole
	UNIQUE (host, build)
);
CREATE INDEX ON run (build);

CREATE TABLE class (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	build int NOT NULL REFERENCES build ON DELETE CASCADE,
	key uuid NOT NULL,
	name printable NOT NULL,
	alias printable,
	kind printable NOT NULL,
	place printable NOT NULL, -- of the host that saw it first, for people
	why printable,
	family smallint NOT NULL,
	subclass int NOT NULL,
	UNIQUE (build, key)
);

CREATE TABLE stack (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	build int NOT NULL REFERENCES build ON DELETE CASCADE,
	key uuid NOT NULL,
	comm printable NOT NULL CHECK (length(comm) <= 15),
	pid bigint NOT NULL,
	cpu bigint NOT NULL,
	frames text NOT NULL CHECK (frames COLLATE "C" ~ '^[ -~\n]*$' AND length(frames) <= 262144),
	UNIQUE (build, key)
);

-- The least that a host can have seen: a class at a certainty, a usage of one, a dependency of two. It
-- is numbered within its build: that is its bit in seen.parts.
CREATE TABLE part (
	build int NOT NULL REFERENCES build ON DELETE CASCADE,
	nr int NOT NULL,
	key uuid NOT NULL,
	kind smallint NOT NULL CHECK (kind BETWEEN 0 AND 2), -- class, usage, dependency
	class int NOT NULL REFERENCES class ON DELETE CASCADE,
	other int REFERENCES class ON DELETE CASCADE,
	value smallint NOT NULL, -- certainty, usage bit, kind of dependency
	flags int NOT NULL, -- 1: seen twice, 2: surely held; of a class, its flags
	stack int REFERENCES stack,
	from_stack int REFERENCES stack,
	PRIMARY KEY (build, nr),
	UNIQUE (build, key),
	CHECK ((kind = 2) = (other IS NOT NULL))
);
CREATE INDEX ON part (class);
CREATE INDEX ON part (other);
CREATE INDEX ON part (stack);
CREATE INDEX ON part (from_stack);

CREATE TABLE seen (
	run int PRIMARY KEY REFERENCES run ON DELETE CASCADE,
	parts varbit NOT NULL
);

-- A host's own findings. An issue is the same on all hosts that word it the same.
CREATE TABLE issue (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key uuid NOT NULL UNIQUE,
	finding printable NOT NULL CHECK (length(finding) <= 12),
	fingerprint printable NOT NULL CHECK (length(fingerprint) <= 12),
	rule printable NOT NULL CHECK (length(rule) <= 32),
	chain text COLLATE "C" NOT NULL CHECK (chain ~ '^[ -~]*$' AND length(chain) <= 65536),
	kernel printable NOT NULL,
	build printable NOT NULL
);
CREATE INDEX ON issue (fingerprint);
CREATE INDEX ON issue (kernel, build);

CREATE TABLE sighting (
	host int NOT NULL REFERENCES host ON DELETE CASCADE,
	issue int NOT NULL REFERENCES issue ON DELETE CASCADE,
	confidence smallint NOT NULL CHECK (confidence BETWEEN 0 AND 4),
	first_ms bigint NOT NULL,
	last_ms bigint NOT NULL,
	count bigint NOT NULL,
	suppressed boolean NOT NULL,
	PRIMARY KEY (host, issue)
);
CREATE INDEX ON sighting (issue);

-- The whole report, of the host that had one first.
CREATE TABLE report (
	issue int PRIMARY KEY REFERENCES issue ON DELETE CASCADE,
	host int NOT NULL REFERENCES host ON DELETE CASCADE,
	text text NOT NULL CHECK (length(text) <= 1048576),
	json text NOT NULL CHECK (length(json) <= 1048576)
);
CREATE INDEX ON report (host);

-- Findings that only several hosts together show: `lockvane fleet analyse` writes it.
CREATE TABLE together (
	build int NOT NULL REFERENCES build ON DELETE CASCADE,
	finding printable NOT NULL CHECK (length(finding) <= 12),
	fingerprint printable NOT NULL CHECK (length(fingerprint) <= 12),
	rule printable NOT NULL,
	confidence smallint NOT NULL,
	chain text COLLATE "C" NOT NULL CHECK (chain ~ '^[ -~]*$'),
	hosts int[] NOT NULL, -- that have all of it among them
	first_ms bigint NOT NULL,
	last_ms bigint NOT NULL,
	text text NOT NULL,
	json text NOT NULL,
	PRIMARY KEY (build, finding)
);

-- The first 16 bytes of SHA-256: the client computes the same.
CREATE FUNCTION key_of(content text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT left(encode(sha256(convert_to(content, 'UTF8')), 'hex'), 32)::uuid $$;

-- The build of a run that belongs to whoever is logged in.
CREATE FUNCTION own_build(a_run int) RETURNS int LANGUAGE plpgsql STABLE AS $$
DECLARE
	found int;
BEGIN
	SELECT r.build INTO found FROM run r JOIN host h ON h.id = r.host
		WHERE r.id = a_run AND h.owner = session_user;
	IF found IS NULL THEN
		RAISE EXCEPTION 'run % is not of %', a_run, session_user USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN found;
END $$;

CREATE FUNCTION push_open(a_protocol int, a_key uuid, a_name printable, a_kernel printable,
	a_build printable, a_machine printable, a_rt boolean, a_annotated boolean,
	OUT run int, OUT digests bytea) LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
	v_host int;
	v_build int;
BEGIN
	IF a_protocol IS DISTINCT FROM 1 THEN
		RAISE EXCEPTION 'this store knows protocol 1, not %', a_protocol USING ERRCODE = 'feature_not_supported';
	END IF;
	INSERT INTO host (owner, key, name) VALUES (session_user, a_key, a_name)
		ON CONFLICT (owner, key) DO UPDATE SET name = excluded.name, last_push = now()
		RETURNING id INTO v_host;
	SELECT id INTO v_build FROM build WHERE (kernel, build, machine, rt, annotated) =
		(a_kernel, a_build, a_machine, a_rt, a_annotated);
	IF v_build IS NULL THEN
		INSERT INTO build (kernel, build, machine, rt, annotated)
			VALUES (a_kernel, a_build, a_machine, a_rt, a_annotated) ON CONFLICT DO NOTHING;
		SELECT id INTO STRICT v_build FROM build WHERE (kernel, build, machine, rt, annotated) =
			(a_kernel, a_build, a_machine, a_rt, a_annotated);
	END IF;
	INSERT INTO run (host, build) VALUES (v_host, v_build) ON CONFLICT DO NOTHING;
	SELECT r.id, r.digests INTO STRICT run, digests FROM run r
		WHERE r.host = v_host AND r.build = v_build;
END $$;

-- The numbers of parts, in the order of their keys; NULL: the store does not have it.
CREATE FUNCTION push_find(a_run int, a_keys uuid[]) RETURNS int[] LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
	v_build int := own_build(a_run);
BEGIN
	RETURN (SELECT array_agg(p.nr ORDER BY k.at) FROM unnest(a_keys) WITH ORDINALITY k (key, at)
		LEFT JOIN part p ON p.build = v_build AND p.key = k.key);
END $$;

-- Add classes; their ids, in their order.
CREATE FUNCTION add_classes(a_build int, a_rows jsonb) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	v_keys uuid[];
BEGIN
	SELECT array_agg(key_of(concat_ws(E'\n', 'class', (c->>'name')::printable, (c->>'ident')::printable,
		(c->>'kind')::printable)) ORDER BY at) INTO v_keys
		FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (c, at);
	INSERT INTO class (build, key, name, alias, kind, place, why, family, subclass)
		SELECT a_build, v_keys[at], c->>'name', c->>'alias', c->>'kind', c->>'place', c->>'why',
			(c->>'family')::smallint, (c->>'subclass')::int
		FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (c, at)
		ON CONFLICT (build, key) DO NOTHING;
	RETURN (SELECT array_agg(c.id ORDER BY at) FROM unnest(v_keys) WITH ORDINALITY k (key, at)
		JOIN class c ON c.build = a_build AND c.key = k.key);
END $$;

-- The same for stacks.
CREATE FUNCTION add_stacks(a_build int, a_rows jsonb) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	v_keys uuid[];
BEGIN
	SELECT array_agg(key_of(E'stack\n' || (s->>'frames')) ORDER BY at) INTO v_keys
		FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (s, at);
	INSERT INTO stack (build, key, comm, pid, cpu, frames)
		SELECT a_build, v_keys[at], s->>'comm', (s->>'pid')::bigint, (s->>'cpu')::bigint, s->>'frames'
		FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (s, at)
		ON CONFLICT (build, key) DO NOTHING;
	RETURN (SELECT array_agg(s.id ORDER BY at) FROM unnest(v_keys) WITH ORDINALITY k (key, at)
		JOIN stack s ON s.build = a_build AND s.key = k.key);
END $$;

-- Parts of a push, with ids for indices. An index that is out of range gives NULL, which no column takes.
CREATE FUNCTION read_parts(a_rows jsonb, a_classes int[], a_stacks int[]) RETURNS TABLE (at bigint, key uuid,
	kind smallint, class int, other int, value smallint, flags int, stack int, from_stack int)
	LANGUAGE sql STABLE AS $$
	SELECT j.at, key_of(concat_ws(E'\n', 'part', j.p->>'kind', c.key, coalesce(o.key::text, '-'),
		j.p->>'value', j.p->>'flags')), (j.p->>'kind')::smallint, c.id, o.id, (j.p->>'value')::smallint,
		(j.p->>'flags')::int, a_stacks[(j.p->>'stack')::int + 1], a_stacks[(j.p->>'from_stack')::int + 1]
	FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (p, at)
	JOIN class c ON c.id = a_classes[(j.p->>'class')::int + 1]
	LEFT JOIN class o ON o.id = a_classes[(j.p->>'other')::int + 1]
$$;

-- Add classes, stacks and parts that the store lacks; the numbers of the parts, in their order. The
-- lock on the build keeps two hosts from adding the same at a time, and from waiting in a circle.
CREATE FUNCTION push_add(a_run int, a_rows jsonb) RETURNS int[] LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	v_build int := own_build(a_run);
	v_classes int[];
	v_stacks int[];
	v_nr int;
	v_new int;
	v_added int;
BEGIN
	SELECT nr_parts INTO STRICT v_nr FROM build WHERE id = v_build FOR UPDATE;
	v_classes := add_classes(v_build, a_rows->'classes');
	v_stacks := add_stacks(v_build, a_rows->'stacks');
	INSERT INTO part (build, nr, key, kind, class, other, value, flags, stack, from_stack)
		SELECT v_build, v_nr - 1 + row_number() OVER (ORDER BY n.at), n.key, n.kind, n.class, n.other, n.value,
			n.flags, n.stack, n.from_stack
		FROM (SELECT DISTINCT ON (r.key) r.* FROM read_parts(a_rows->'parts', v_classes, v_stacks) r) n
		WHERE NOT EXISTS (SELECT FROM part p WHERE p.build = v_build AND p.key = n.key);
	GET DIAGNOSTICS v_new = ROW_COUNT;
	UPDATE build SET nr_parts = nr_parts + v_new WHERE id = v_build;
	UPDATE run SET added = added + v_new WHERE id = a_run RETURNING added INTO v_added;
	IF v_added > 262144 OR v_nr + v_new > 1048576 THEN
		RAISE EXCEPTION 'the store takes no more parts of this build' USING ERRCODE = 'program_limit_exceeded';
	END IF;
	RETURN (SELECT array_agg(p.nr ORDER BY r.at) FROM read_parts(a_rows->'parts', v_classes, v_stacks) r
		JOIN part p ON p.build = v_build AND p.key = r.key);
END $$;

CREATE FUNCTION widen(a_bits varbit, a_length int) RETURNS varbit LANGUAGE sql IMMUTABLE AS $$
	SELECT a_bits || repeat('0', greatest(0, a_length - length(a_bits)))::varbit
$$;

-- These parts were seen, too.
CREATE FUNCTION push_seen(a_run int, a_parts varbit) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	v_build int := own_build(a_run);
BEGIN
	IF length(a_parts) > (SELECT nr_parts FROM build WHERE id = v_build) THEN
		RAISE EXCEPTION 'no such parts' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO seen AS s (run, parts) VALUES (a_run, a_parts) ON CONFLICT (run) DO UPDATE
		SET parts = widen(s.parts, length(a_parts)) | widen(a_parts, length(s.parts));
END $$;

-- The host's findings. Returned for each, in their order: the issue's id if its report is wanted, else NULL.
CREATE FUNCTION push_findings(a_run int, a_rows jsonb) RETURNS int[] LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	v_build int := own_build(a_run);
	v_host int := (SELECT host FROM run WHERE id = a_run);
	v_keys uuid[];
BEGIN
	SELECT array_agg(key_of(concat_ws(E'\n', 'issue', f->>'finding', f->>'fingerprint', f->>'rule', f->>'chain',
		f->>'kernel', f->>'build')) ORDER BY at) INTO v_keys
		FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (f, at);
	INSERT INTO issue (key, finding, fingerprint, rule, chain, kernel, build)
		SELECT v_keys[at], f->>'finding', f->>'fingerprint', f->>'rule', f->>'chain', f->>'kernel', f->>'build'
		FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (f, at) ORDER BY 1
		ON CONFLICT (key) DO NOTHING;
	INSERT INTO sighting AS s (host, issue, confidence, first_ms, last_ms, count, suppressed)
		SELECT DISTINCT ON (i.id) v_host, i.id, (f->>'confidence')::smallint, (f->>'first_ms')::bigint,
			(f->>'last_ms')::bigint, (f->>'count')::bigint, (f->>'suppressed')::boolean
		FROM jsonb_array_elements(a_rows) WITH ORDINALITY j (f, at) JOIN issue i ON i.key = v_keys[at]
		ON CONFLICT (host, issue) DO UPDATE SET confidence = excluded.confidence,
			first_ms = least(s.first_ms, excluded.first_ms), last_ms = greatest(s.last_ms, excluded.last_ms),
			count = greatest(s.count, excluded.count), suppressed = excluded.suppressed;
	RETURN (SELECT array_agg(CASE WHEN r.issue IS NULL THEN i.id END ORDER BY at)
		FROM unnest(v_keys) WITH ORDINALITY k (key, at) JOIN issue i ON i.key = k.key
		LEFT JOIN report r ON r.issue = i.id);
END $$;

CREATE FUNCTION push_report(a_run int, a_issue int, a_text text, a_json text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	v_build int := own_build(a_run);
	v_host int := (SELECT host FROM run WHERE id = a_run);
BEGIN
	IF NOT EXISTS (SELECT FROM sighting WHERE host = v_host AND issue = a_issue) THEN
		RAISE EXCEPTION 'no such finding on this host' USING ERRCODE = 'insufficient_privilege';
	END IF;
	INSERT INTO report (issue, host, text, json) VALUES (a_issue, v_host, a_text, a_json)
		ON CONFLICT (issue) DO NOTHING;
END $$;

-- All of it is there: the next push begins with what differs from these digests.
CREATE FUNCTION push_close(a_run int, a_info jsonb, a_digests bytea) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	v_build int := own_build(a_run);
BEGIN
	UPDATE run SET version = a_info->>'version', started = (a_info->>'started')::bigint,
		duration = (a_info->>'duration')::bigint, events = (a_info->>'events')::bigint,
		lost = (a_info->>'lost')::bigint, unlocks_hidden = (a_info->>'unlocks_hidden')::boolean,
		irqs_unseen = (a_info->>'irqs_unseen')::boolean, preempts = (a_info->>'preempts')::boolean,
		digests = a_digests WHERE id = a_run;
END $$;

-- Names are looked up here, whatever the caller's search_path says.
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'lockvane'::regnamespace LOOP
		EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, lockvane, pg_temp', f);
	END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA lockvane FROM PUBLIC;
GRANT USAGE ON SCHEMA lockvane TO lockvane_pusher, lockvane_analyst;
GRANT EXECUTE ON FUNCTION push_open, push_find, push_add, push_seen, push_findings, push_report, push_close
	TO lockvane_pusher;
GRANT SELECT ON ALL TABLES IN SCHEMA lockvane TO lockvane_analyst;
GRANT INSERT, UPDATE, DELETE ON together TO lockvane_analyst;
