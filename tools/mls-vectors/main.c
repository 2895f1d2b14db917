/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mls-vectors [-a] FILE...: runs official MLS test vectors (and this project's compact form of them)
 * against libsotto-mls. Finds out by a case's fields what kind of file it is. One line for each case that
 * is not passed, one for each file, then the sum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "case.h"

/* The first field that a case has decides. */
static const struct kind {
	const char *field;
	const char *name;
	run_case *run;
} kinds[] = {
	{"n_leaves", "tree-math", run_tree_math},
	{"vlbytes_header", "deserialization", run_deserialization},
	{"expand_with_label", "crypto-basics", run_crypto_basics},
	{"initial_init_secret", "key-schedule", run_key_schedule},
	{"sender_data", "secret-tree", run_secret_tree},
	{"application_priv", "message-protection", run_message_protection},
	{"interim_transcript_hash_before", "transcript-hashes", run_transcript_hashes},
	{"signer_pub", "welcome", run_welcome},
	{"tree_before", "tree-operations", run_tree_operations},
	{"resolutions", "tree-validation", run_tree_validation},
	{"update_paths", "treekem", run_treekem},
	{"initial_epoch_authenticator", "passive-client", run_passive},
	{"mls_group_info", "messages", run_messages},
	{"psk_secret", "psk_secret", run_psk_secret},
};

struct totals {
	unsigned passed;
	unsigned failed;
	unsigned skipped;
};

/* What is skipped counts as failed. */
static bool all_must_run;

static enum sotto_err fill(void *context, uint8_t *out, size_t len)
{
	(void)context;
	while (len > 0) {
		ssize_t got = getrandom(out, len, 0);

		if (got <= 0)
			return SOTTO_ERR_RANDOM;
		out += got;
		len -= (size_t)got;
	}
	return SOTTO_OK;
}

static const struct random_source kernel = {.fill = fill};

static const struct kind *find_kind(const json_t *json)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (json_object_get(json, kinds[i].field) != NULL)
			return &kinds[i];
	}
	return NULL;
}

static void run_one(const char *file, const struct kind *kind, json_t *json, size_t index,
		    struct totals *totals)
{
	struct vector_case vector = {.json = json};
	enum verdict verdict;

	vector.config = (struct mls_config){
		.allocator = &allocator_default,
		.random = &kernel,
		.limits = *mls_limits_default(),
		.external_commits = true,
		.new_member_proposals = true,
	};
	verdict = kind->run(&vector);
	if (vector.missing && verdict == PASSED)
		verdict = FAILED;
	switch (verdict) {
	case PASSED:
		totals->passed++;
		break;
	case SKIPPED:
		*(all_must_run ? &totals->failed : &totals->skipped) += 1;
		printf("%s: case %zu (%s): skipped: %s\n", file, index, kind->name, vector.reason);
		break;
	case FAILED:
		totals->failed++;
		printf("%s: case %zu (%s): failed: %s\n", file, index, kind->name, vector.reason);
		break;
	}
	vector_case_finish(&vector);
}

/* ---- Compact files: blocks of `a.b.0.c = value` ---- */

/* The member or element of a container by the next part of a name; made if it is not there. */
static json_t *descend(json_t *parent, const char *part, bool next_is_index)
{
	json_t *child;

	if (json_is_array(parent)) {
		size_t index = strtoul(part, NULL, 10);

		while (json_array_size(parent) <= index)
			json_array_append_new(parent, json_null());
		child = json_array_get(parent, index);
		if (json_is_null(child)) {
			json_array_set_new(parent, index,
					   next_is_index ? json_array() : json_object());
			child = json_array_get(parent, index);
		}
		return child;
	}
	child = json_object_get(parent, part);
	if (child == NULL) {
		json_object_set_new(parent, part, next_is_index ? json_array() : json_object());
		child = json_object_get(parent, part);
	}
	return child;
}

static bool is_index(const char *part)
{
	return part != NULL && part[0] >= '0' && part[0] <= '9';
}

static json_t *value_of(const char *text)
{
	if (strcmp(text, "null") == 0)
		return json_null();
	if (strcmp(text, "[]") == 0)
		return json_array();
	return json_string(text);
}

static void put_field(json_t *block, char *name, const char *text)
{
	char *rest = NULL;
	char *part = strtok_r(name, ".", &rest);
	json_t *at = block;

	while (part != NULL) {
		char *next = strtok_r(NULL, ".", &rest);

		if (next != NULL) {
			at = descend(at, part, is_index(next));
		} else if (json_is_array(at)) {
			size_t index = strtoul(part, NULL, 10);

			while (json_array_size(at) <= index)
				json_array_append_new(at, json_null());
			json_array_set_new(at, index, value_of(text));
		} else {
			json_object_set_new(at, part, value_of(text));
		}
		part = next;
	}
}

static json_t *load_compact(const char *file)
{
	FILE *in = fopen(file, "r");
	json_t *cases = json_array();
	json_t *block = NULL;
	char *line = NULL;
	size_t capacity = 0;

	if (in == NULL) {
		json_decref(cases);
		return NULL;
	}
	while (getline(&line, &capacity, in) > 0) {
		char *equals = strchr(line, '=');

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		if (line[0] == '\0') {
			block = NULL;
			continue;
		}
		if (equals == NULL || equals == line)
			continue;
		if (block == NULL) {
			block = json_object();
			json_array_append_new(cases, block);
		}
		equals[-1] = '\0';
		put_field(block, line, equals[1] == ' ' ? equals + 2 : equals + 1);
	}
	free(line);
	fclose(in);
	return cases;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static json_t *load(const char *file)
{
	json_error_t error;
	json_t *cases;

	if (ends_with(file, ".txt"))
		return load_compact(file);
	cases = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	if (cases == NULL)
		fprintf(stderr, "mls-vectors: %s:%d: %s\n", file, error.line, error.text);
	return cases;
}

static void run_file(const char *file, struct totals *sum)
{
	struct totals totals = {0};
	json_t *cases = load(file);
	const struct kind *kind = find_kind(json_array_get(cases, 0));
	size_t index;
	json_t *json;

	if (kind == NULL) {
		printf("%s: not a vector file of a known kind\n", file);
		sum->failed++;
		json_decref(cases);
		return;
	}
	json_array_foreach(cases, index, json) run_one(file, kind, json, index, &totals);
	printf("%s: %s: %u passed, %u failed", file, kind->name, totals.passed, totals.failed);
	if (totals.skipped != 0)
		printf(", %u skipped", totals.skipped);
	printf("\n");
	/* Nothing was found out about it, and that is no success. */
	if (totals.passed == 0 && totals.failed == 0) {
		printf("%s: no case passed\n", file);
		totals.failed++;
	}
	fflush(stdout);
	sum->passed += totals.passed;
	sum->failed += totals.failed;
	sum->skipped += totals.skipped;
	json_decref(cases);
}

int main(int argc, char **argv)
{
	struct totals sum = {0};
	int first = 1;

	if (argc > 1 && strcmp(argv[1], "-a") == 0) {
		all_must_run = true;
		first = 2;
	}
	if (first >= argc || argv[first][0] == '-') {
		fprintf(stderr, "usage: mls-vectors [-a] FILE...\n");
		return 2;
	}
	for (int i = first; i < argc; i++)
		run_file(argv[i], &sum);
	if (sum.skipped != 0)
		printf("%u skipped\n", sum.skipped);
	printf("%u passed, %u failed\n", sum.passed, sum.failed);
	return sum.failed == 0 ? 0 : 1;
}
