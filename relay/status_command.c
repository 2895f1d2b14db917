/* SPDX-License-Identifier: Apache-2.0 */
/* sottod status: asks the parent of a running sottod and prints what it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/lines.h"
#include "os/loop.h"
#include "os/process.h"
#include "relay/sottod.h"
#include "relay/status.h"

#define ANSWER_MS 5000

struct question {
	struct os_loop *loop;
	struct os_timer timer;
	char *answer; /* NULL: none came */
};

static const struct {
	const char *name;
	const char *words;
} counters[] = {
#define COUNTER(name, words) {#name, words},
	RELAY_COUNTERS(COUNTER)
#undef COUNTER
};

static void received(void *context, struct os_lines *lines, const char *line, size_t len,
		     int *descriptors, size_t descriptors_count)
{
	struct question *question = context;

	(void)lines;
	(void)descriptors;
	(void)descriptors_count;
	if (question->answer == NULL) {
		question->answer = malloc(len + 1);
		if (question->answer != NULL)
			memcpy(question->answer, line, len + 1);
	}
	os_loop_stop(question->loop);
}

static void gone(void *context, struct os_lines *lines)
{
	struct question *question = context;

	(void)lines;
	os_loop_stop(question->loop);
}

static void too_late(struct os_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	os_loop_stop(CONTAINER_OF(timer, struct question, timer)->loop);
}

static enum sotto_err ask(const char *state, struct question *question)
{
	struct os_lines_handler handler = {received, gone, NULL, question};
	struct os_lines *lines = NULL;
	char path[OS_PROCESS_PATH_LEN];
	int descriptor;
	enum sotto_err err;

	(void)snprintf(path, sizeof(path), "%s/" SOTTOD_STATUS_SOCKET, state);
	TRY(os_lines_connect(path, &descriptor));
	TRY(os_loop_create(&question->loop));
	TRY(os_lines_create(question->loop, descriptor, &handler, &lines));
	os_timer_init(&question->timer, too_late);
	os_loop_set_timer(question->loop, &question->timer,
			  os_clock_now_ns() + ANSWER_MS * OS_CLOCK_MS_NS);
	TRY(os_lines_send(lines, BYTES_TEXT("status"), NULL, 0));
	TRY(os_loop_run(question->loop));
	FAIL_IF(question->answer == NULL, SOTTO_ERR_AGAIN);
out:
	os_lines_destroy(lines);
	os_loop_destroy(question->loop);
	return err;
}

static void print_value(const char *name, json_int_t value, const char *words)
{
	char time[OS_CLOCK_TEXT_LEN];

	if (strcmp(name, "oldest_record") == 0) {
		if (value == 0)
			return;
		os_clock_format((uint64_t)value, time);
		(void)printf("%24s  %s\n", time, "oldest record");
		return;
	}
	(void)printf("%24lld  %s\n", (long long)value, words);
}

static bool print_words(const char *answer)
{
	json_t *status = json_loads(answer, JSON_REJECT_DUPLICATES, NULL);
	const json_t *sandbox;
	size_t at;

	if (status == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		const json_t *value = json_object_get(status, counters[i].name);

		if (json_is_integer(value))
			print_value(counters[i].name, json_integer_value(value), counters[i].words);
	}
	json_array_foreach(json_object_get(status, "sandboxes"), at, sandbox)(void)
		printf("%s\n", json_string_value(sandbox));
	json_decref(status);
	return true;
}

static void print_failure(const struct sottod_options *options, enum sotto_err err)
{
	const char *words = sotto_err_text(err);

	if (err == SOTTO_ERR_NOT_FOUND)
		words = "no sottod runs there";
	else if (err == SOTTO_ERR_DENIED)
		words = "it belongs to another user";
	else if (err == SOTTO_ERR_AGAIN)
		words = "it does not answer";
	if (options->json)
		(void)printf("{\"error\":\"%s\",\"message\":\"%s: %s\"}\n",
			     err == SOTTO_ERR_NOT_FOUND ? "not_running" : "failed", options->state,
			     words);
	else
		sottod_complain("%s: %s", options->state, words);
}

int sottod_status(const struct sottod_options *options)
{
	struct question question = {0};
	enum sotto_err err = ask(options->state, &question);

	if (err == SOTTO_OK && options->json)
		(void)puts(question.answer);
	else if (err == SOTTO_OK && !print_words(question.answer))
		err = SOTTO_ERR_CORRUPT;
	if (err != SOTTO_OK)
		print_failure(options, err);
	free(question.answer);
	return err == SOTTO_OK ? SOTTOD_EXIT_OK : SOTTOD_EXIT_FAILED;
}
