/* SPDX-License-Identifier: Apache-2.0 */
/* One group among the phones of a world. */
#include "tests/talk/circle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static uint64_t utc_ms(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

static size_t extensions_of(circle_phones phones, uint32_t *extensions)
{
	size_t count = 0;

	for (uint32_t i = 0; i < WORLD_PHONES_MAX; i++) {
		if ((phones & PHONE(i)) != 0)
			extensions[count++] = 100 + i;
	}
	return count;
}

static enum sotto_err settled(struct circle *circle, uint32_t by, enum sotto_err err)
{
	if (err == SOTTO_OK)
		world_settle(world_phone(circle->world, by));
	return err;
}

void circle_begin(struct circle *circle, uint64_t seed, uint32_t phones, circle_phones others)
{
	uint32_t extensions[WORLD_PHONES_MAX];
	size_t count = extensions_of(others, extensions);
	enum sotto_err err;

	circle->world = world_create_of(seed, phones);
	circle->phones = phones;
	world_members(circle->world, phones, true);
	world_run(circle->world, 60);
	err = talk_group_create(talk_of(circle->world, 0), BYTES_TEXT("Harbour"), extensions, count,
				circle->id, world_now(circle->world), utc_ms(circle->world));
	ASSERT(settled(circle, 0, err) == SOTTO_OK);
	world_run(circle->world, 60);
}

void circle_end(struct circle *circle)
{
	world_destroy(circle->world);
}

enum sotto_err circle_add(struct circle *circle, uint32_t by, circle_phones whom)
{
	uint32_t extensions[WORLD_PHONES_MAX];
	size_t count = extensions_of(whom, extensions);

	return settled(circle, by,
		       talk_group_add(talk_of(circle->world, by), circle->id, extensions, count,
				      world_now(circle->world), utc_ms(circle->world)));
}

enum sotto_err circle_remove(struct circle *circle, uint32_t by, circle_phones whom)
{
	uint32_t extensions[WORLD_PHONES_MAX];
	size_t count = extensions_of(whom, extensions);

	return settled(circle, by,
		       talk_group_remove(talk_of(circle->world, by), circle->id, extensions, count,
					 world_now(circle->world), utc_ms(circle->world)));
}

enum sotto_err circle_rename(struct circle *circle, uint32_t by, const char *name)
{
	return settled(circle, by,
		       talk_group_rename(talk_of(circle->world, by), circle->id,
					 BYTES(name, strlen(name)), world_now(circle->world),
					 utc_ms(circle->world)));
}

enum sotto_err circle_leave(struct circle *circle, uint32_t by)
{
	return settled(circle, by,
		       talk_group_leave(talk_of(circle->world, by), circle->id,
					world_now(circle->world), utc_ms(circle->world)));
}

struct talk_group *circle_group(const struct circle *circle, uint32_t number)
{
	list_for_each (element, following, &talk_of(circle->world, number)->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (memcmp(group->id, circle->id, sizeof(circle->id)) == 0)
			return group;
	}
	return NULL;
}

static bool no(uint32_t number, const char *what)
{
	printf("# phone %u: %s\n", number, what);
	return false;
}

bool circle_sees(const struct circle *circle, uint32_t number, circle_phones members)
{
	const struct talk_group *group = circle_group(circle, number);

	for (uint32_t i = 0; i < circle->phones; i++) {
		const uint8_t *key = talk_of(circle->world, i)->identity.public_key;
		struct mls_member member;
		bool in = mls_group_find_member(group->mls, BYTES(key, LEDGER_KEY_LEN), &member) ==
			  SOTTO_OK;

		if (in != ((members & PHONE(i)) != 0))
			return no(number, in ? "sees one too many" : "misses somebody");
	}
	return true;
}

bool circle_holds(const struct circle *circle, circle_phones members, const char *name)
{
	uint8_t first[MLS_HASH_LEN_MAX], other[MLS_HASH_LEN_MAX];
	bool any = false;

	memset(first, 0, sizeof(first));
	for (uint32_t i = 0; i < circle->phones; i++) {
		struct talk_group *group = circle_group(circle, i);
		bool in = group != NULL && !talk_group_over(group);
		struct talk_context context;

		if (in != ((members & PHONE(i)) != 0))
			return no(i, in ? "is in it" : "is not in it");
		if (!in)
			continue;
		memset(other, 0, sizeof(other));
		mls_group_epoch_authenticator(group->mls, any ? other : first);
		if (any && memcmp(first, other, sizeof(first)) != 0)
			return no(i, "has another authenticator");
		any = true;
		if (!circle_sees(circle, i, members))
			return false;
		if (talk_group_context(group->mls, &context) != SOTTO_OK ||
		    (name != NULL && !bytes_equal(context.name, BYTES(name, strlen(name)))))
			return no(i, "has another name");
		if (group->pending.count > 0 || !list_empty(&group->wishes))
			return no(i, "wants something still");
	}
	return true;
}

static struct talk_conversation conversation_of(const struct circle *circle)
{
	struct talk_conversation made = {.kind = TALK_GROUP};

	memcpy(made.id, circle->id, sizeof(made.id));
	return made;
}

static size_t text_make(uint32_t text, char *out, size_t room)
{
	return (size_t)snprintf(out, room, "text %u", text);
}

enum sotto_err circle_send(struct circle *circle, uint32_t by, uint32_t text)
{
	struct talk_conversation conversation = conversation_of(circle);
	uint8_t id[TALK_MESSAGE_ID_LEN];
	char buffer[32];

	return settled(circle, by,
		       talk_send_text(talk_of(circle->world, by), &conversation,
				      BYTES(buffer, text_make(text, buffer, sizeof(buffer))), NULL,
				      id, world_now(circle->world), utc_ms(circle->world)));
}

struct search {
	const struct circle *circle;
	uint32_t from, count;
	struct bytes text;
	enum talk_message_state state;
	enum talk_person_state people[WORLD_PHONES_MAX];
};

/* Rows of the group in the order of people; each is called with what borrows from the store. */
static void rows_each(const struct circle *circle, uint32_t number,
		      void (*each)(void *context, const struct talk_message *message),
		      void *context)
{
	struct talk_conversation conversation = conversation_of(circle);
	const struct store_reader *reader = &world_phone(circle->world, number)->reader;
	struct talk_history history = {0};
	struct talk_owner owner;
	enum sotto_err err =
		talk_conversation_owner(talk_of(circle->world, number), &conversation, &owner);

	if (err == SOTTO_OK)
		err = talk_history_read(reader, &owner, 0, &history);
	ASSERT(err == SOTTO_OK);
	for (size_t i = 0; i < history.count; i++) {
		struct talk_message message;
		struct writer value;

		writer_init_growing(&value, &allocator_default);
		err = store_get(reader, TALK_TABLE_MESSAGES, talk_owner_bytes(&owner),
				history.rows[i].row, &value);
		if (err == SOTTO_OK)
			err = talk_message_decode(writer_bytes(&value), &message);
		ASSERT(err == SOTTO_OK);
		each(context, &message);
		writer_release(&value);
	}
	talk_history_release(&history);
}

static void look(void *context, const struct talk_message *message)
{
	struct search *search = context;
	struct talk_person person;
	struct wire_cursor cursor;

	if (message->kind != TALK_ROW_TEXT || message->from != search->from ||
	    !bytes_equal(message->text, search->text))
		return;
	search->count++;
	search->state = message->state;
	cursor = wire_list_walk(&message->people);
	while (talk_person_next(&cursor, &person))
		search->people[person.extension - 100] = person.state;
}

static struct search search(const struct circle *circle, uint32_t number, uint32_t from,
			    uint32_t text)
{
	char buffer[32];
	struct search search = {.circle = circle,
				.from = 100 + from,
				.text = BYTES(buffer, text_make(text, buffer, sizeof(buffer)))};

	rows_each(circle, number, look, &search);
	search.text = BYTES_NONE;
	return search;
}

uint32_t circle_received(const struct circle *circle, uint32_t number, uint32_t from, uint32_t text)
{
	return search(circle, number, from, text).count;
}

enum talk_message_state circle_state(const struct circle *circle, uint32_t by, uint32_t text)
{
	return search(circle, by, by, text).state;
}

void circle_reached(const struct circle *circle, uint32_t by, uint32_t text, char *out, size_t room)
{
	struct search found = search(circle, by, by, text);
	size_t at = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < WORLD_PHONES_MAX && at < room; i++) {
		if (found.people[i] != 0)
			at += (size_t)snprintf(
				out + at, room - at, "%s%u %s", at > 0 ? "|" : "", 100 + i,
				found.people[i] == TALK_PERSON_READ ? "read" : "has");
	}
}

enum sotto_err circle_read(const struct circle *circle, uint32_t number)
{
	struct talk_conversation conversation = conversation_of(circle);
	struct talk *talk = talk_of(circle->world, number);
	struct talk_history history = {0};
	struct talk_owner owner;
	uint64_t last = 0;
	enum sotto_err err = talk_conversation_owner(talk, &conversation, &owner);

	if (err == SOTTO_OK)
		err = talk_history_read(&world_phone(circle->world, number)->reader, &owner, 0,
					&history);
	ASSERT(err == SOTTO_OK);
	for (size_t i = 0; i < history.count; i++)
		last = history.rows[i].row > last ? history.rows[i].row : last;
	talk_history_release(&history);
	err = talk_mark_read(talk, &conversation, last, world_now(circle->world),
			     utc_ms(circle->world));
	if (err == SOTTO_OK)
		world_settle(world_phone(circle->world, number));
	return err;
}

struct telling {
	char *story;
	size_t len, room;
	bool texts;
};

static void tell(void *context, const struct talk_message *message)
{
	static const char *const verbs[] = {
		[TALK_VERB_NONE] = "?",
		[TALK_VERB_CREATED] = "created",
		[TALK_VERB_NAMED] = "named it",
		[TALK_VERB_ADDED] = "added",
		[TALK_VERB_REMOVED] = "removed",
		[TALK_VERB_LEFT] = "left",
		[TALK_VERB_MISSING] = "missing",
		[TALK_VERB_DEVICE] = "has",
		[TALK_VERB_DEVICE_GONE] = "has no more",
		[TALK_VERB_NOT_ADDED] = "not added",
		[TALK_VERB_NOT_REMOVED] = "not removed",
		[TALK_VERB_NOT_NAMED] = "not named",
		[TALK_VERB_BRANCHED] = "branched",
	};
	struct telling *telling = context;
	int text_len = (int)message->text.len;
	const char *text = (const char *)message->text.data;
	char line[256];
	size_t len;

	if (message->kind == TALK_ROW_TEXT && !telling->texts)
		return;
	if (message->kind == TALK_ROW_TEXT)
		len = (size_t)snprintf(line, sizeof(line), "%u: %.*s\n", message->from, text_len,
				       text);
	else if (message->verb == TALK_VERB_ADDED || message->verb == TALK_VERB_REMOVED)
		len = (size_t)snprintf(line, sizeof(line), "%u %s %u\n", message->from,
				       verbs[message->verb], message->subject);
	else if (message->verb == TALK_VERB_BRANCHED)
		len = (size_t)snprintf(line, sizeof(line), "branched\n");
	else if (message->verb >= TALK_VERB_NOT_ADDED && message->subject != 0)
		len = (size_t)snprintf(line, sizeof(line), "%s %u: %.*s\n", verbs[message->verb],
				       message->subject, text_len, text);
	else if (message->verb >= TALK_VERB_NOT_ADDED)
		len = (size_t)snprintf(line, sizeof(line), "%s: %.*s\n", verbs[message->verb],
				       text_len, text);
	else if (message->verb == TALK_VERB_LEFT)
		len = (size_t)snprintf(line, sizeof(line), "%u left\n", message->from);
	else
		len = (size_t)snprintf(line, sizeof(line), "%u %s %.*s\n", message->from,
				       verbs[message->verb], text_len, text);
	if (telling->len + len >= telling->room) {
		telling->room = 2 * telling->room + len;
		telling->story = realloc(telling->story, telling->room);
		ASSERT(telling->story != NULL);
	}
	memcpy(telling->story + telling->len, line, len + 1);
	telling->len += len;
}

char *circle_story(const struct circle *circle, uint32_t number, bool texts)
{
	struct telling telling = {.room = 1024, .texts = texts};

	telling.story = calloc(1, telling.room);
	ASSERT(telling.story != NULL);
	rows_each(circle, number, tell, &telling);
	return telling.story;
}

uint64_t circle_discarded(const struct circle *circle)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < circle->phones; i++) {
		struct talk_status status;

		talk_status(talk_of(circle->world, i), &status);
		sum += status.discarded;
	}
	return sum;
}
