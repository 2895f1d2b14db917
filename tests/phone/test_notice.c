/* SPDX-License-Identifier: Apache-2.0 */
/* What clients are told of who did what, and of a stretch that is missing: that needs weeks between real processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/hex.h"
#include "phone/agent_json.h"
#include "tests/talk/circle.h"

#define SINCE_MS UINT64_C(1761991200000) /* 2025-11-01 10:00 */
#define UNTIL_MS UINT64_C(1763209800000)
#define SINCE	 "2025-11-01T10:00:00.000Z"
#define UNTIL	 "2025-11-15T12:30:00.000Z"
#define ID	 "07070707070707070707070707070707"

/* Nothing that is asked for by name is in this test. */
void agent_fail(struct agent_client *client, enum sotto_err err, const char *format, ...)
{
	(void)client;
	(void)err;
	(void)format;
	ASSERT(false);
}

const char *agent_text(const json_t *arguments, const char *name)
{
	(void)arguments;
	(void)name;
	return NULL;
}

uint32_t agent_extension(const json_t *arguments, const char *name)
{
	(void)arguments;
	(void)name;
	return 0;
}

static void assert_told(const struct agent *agent, const struct talk_conversation *conversation,
			const struct talk_message *notice, const char *expected)
{
	json_t *object = agent_notice_json(agent, conversation, notice);
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	assert_non_null(text);
	assert_string_equal(text, expected);
	agent_json_free(text);
	json_decref(object);
}

static void test_notices(void **state)
{
	static const struct {
		struct talk_message notice;
		const char *expected; /* with the group in the place of % */
	} cases[] = {
		{{.verb = TALK_VERB_MISSING, .sent_ms = SINCE_MS, .received_ms = UNTIL_MS},
		 "{%,\"id\":\"" ID "\",\"notice\":\"missing\",\"since\":\"" SINCE
		 "\",\"until\":\"" UNTIL "\"}"},
		{{.verb = TALK_VERB_CREATED, .from = 100, .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",\"by\":\"100\",%,\"id\":\"" ID
		 "\",\"name\":\"Quay\",\"notice\":\"created\"}"},
		{{.verb = TALK_VERB_NAMED, .from = 101, .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",\"by\":\"101\",%,\"id\":\"" ID
		 "\",\"name\":\"Quay\",\"notice\":\"named\"}"},
		{{.verb = TALK_VERB_ADDED, .from = 100, .subject = 101, .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",\"by\":\"100\",%,\"id\":\"" ID
		 "\",\"notice\":\"added\",\"subject\":\"101\"}"},
		/* By and of devices that the ledger does not know. */
		{{.verb = TALK_VERB_REMOVED, .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",\"by\":\"\",%,\"id\":\"" ID "\",\"notice\":\"removed\"}"},
		{{.verb = TALK_VERB_LEFT, .from = 101, .subject = 101, .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",\"by\":\"101\",%,\"id\":\"" ID
		 "\",\"notice\":\"left\",\"subject\":\"101\"}"},
		{{.verb = TALK_VERB_NOT_ADDED,
		  .from = 100,
		  .subject = 101,
		  .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",\"by\":\"100\",%,\"id\":\"" ID
		 "\",\"notice\":\"not_added\",\"subject\":\"101\",\"why\":\"Quay\"}"},
		{{.verb = TALK_VERB_NOT_NAMED, .from = 100, .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",\"by\":\"100\",%,\"id\":\"" ID
		 "\",\"notice\":\"not_named\",\"why\":\"Quay\"}"},
		{{.verb = TALK_VERB_BRANCHED, .received_ms = UNTIL_MS},
		 "{\"at\":\"" UNTIL "\",%,\"id\":\"" ID "\",\"notice\":\"branched\"}"},
	};
	struct talk_conversation conversation = {.kind = TALK_GROUP};
	char digits[2 * TALK_CONVERSATION_ID_LEN + 1];
	struct circle circle;
	struct agent agent = {0};

	(void)state;
	agent_json_init();
	circle_begin(&circle, 1, 2, PHONE(1));
	agent.talk = talk_of(circle.world, 0);
	memcpy(conversation.id, circle.id, sizeof(conversation.id));
	hex_encode(BYTES_OF(circle.id), digits);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk_message notice = cases[i].notice;
		const char *place = strchr(cases[i].expected, '%');
		char expected[512];

		notice.kind = TALK_ROW_NOTICE;
		notice.text = BYTES_TEXT("Quay");
		memset(notice.id, 7, sizeof(notice.id));
		(void)snprintf(expected, sizeof(expected),
			       "%.*s\"group\":{\"id\":\"%s\",\"name\":\"Harbour\"}%s",
			       (int)(place - cases[i].expected), cases[i].expected, digits,
			       place + 1);
		assert_told(&agent, &conversation, &notice, expected);
	}
	circle_end(&circle);
}

/* One to one it names the other one, and no group. */
static void test_missing_of_two(void **state)
{
	struct talk_conversation with = talk_with(101);
	struct talk_message notice = {.kind = TALK_ROW_NOTICE,
				      .verb = TALK_VERB_MISSING,
				      .sent_ms = SINCE_MS,
				      .received_ms = UNTIL_MS};
	struct circle circle;
	struct agent agent = {0};

	(void)state;
	memset(notice.id, 7, sizeof(notice.id));
	circle_begin(&circle, 2, 2, PHONE(1));
	agent.talk = talk_of(circle.world, 0);
	assert_told(&agent, &with, &notice,
		    "{\"id\":\"" ID "\",\"notice\":\"missing\",\"since\":\"" SINCE
		    "\",\"until\":\"" UNTIL "\",\"with\":\"101\"}");
	circle_end(&circle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notices),
		cmocka_unit_test(test_missing_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
