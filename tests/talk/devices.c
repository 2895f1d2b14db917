/* SPDX-License-Identifier: Apache-2.0 */
/* Several devices of one person. */
#include "tests/talk/devices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/talk/inside.h"
#include "tests/talk/steps.h"

uint64_t utc_ms(const struct world *world)
{
	return WORLD_UTC_MS + world_now(world) / 1000000;
}

/* Shows a card on the old phone; it lies where world_join takes cards from. */
enum sotto_err card_show(struct world *world, uint32_t old, const char *name)
{
	struct world_phone *admin = world_phone(world, 0);
	struct writer writer;
	uint64_t expires_ms;
	enum sotto_err err;

	writer_init_fixed(&writer, (uint8_t *)admin->invitation, sizeof(admin->invitation));
	err = talk_device_card(talk_of(world, old), BYTES(name, strlen(name)), &writer, &expires_ms,
			       world_now(world), utc_ms(world));
	if (err != SOTTO_OK)
		return err;
	assert_int_equal(expires_ms, utc_ms(world) + TALK_CARD_MS);
	admin->invitation_len = writer.len;
	world_settle(world_phone(world, old));
	return SOTTO_OK;
}

enum sotto_err approve(struct world *world, uint32_t old, const char *code)
{
	uint8_t key[LEDGER_KEY_LEN];
	enum sotto_err err = talk_device_approve(talk_of(world, old), BYTES(code, strlen(code)),
						 key, world_now(world), utc_ms(world));

	if (err == SOTTO_OK)
		world_settle(world_phone(world, old));
	return err;
}

/* Phone `new` has seen the card and waits; its code. */
void ask(struct world *world, uint32_t old, uint32_t new, const char *name, char *code)
{
	assert_int_equal(card_show(world, old, name), SOTTO_OK);
	world_join(world, new);
	world_run(world, 5);
	assert_true(talk_device_asks(talk_of(world, old)));
	assert_true(talk_join_code(talk_of(world, new), code));
}

void add(struct world *world, uint32_t old, uint32_t new, const char *name)
{
	char code[TALK_CODE_LEN + 1];

	ask(world, old, new, name, code);
	assert_int_equal(approve(world, old, code), SOTTO_OK);
	assert_false(talk_device_asks(talk_of(world, old)));
	world_run(world, 30);
	assert_int_equal(state_of(world, new), TALK_MEMBER);
}

void retire(struct world *world, uint32_t by, uint32_t number)
{
	assert_int_equal(talk_device_retire(talk_of(world, by), 101, number, world_now(world),
					    utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, by));
	world_run(world, 30);
}

const struct ledger_device *device_of(struct world *world, uint32_t viewer, uint32_t number)
{
	return ledger_device_by_key(talk_ledger(talk_of(world, viewer)),
				    talk_of(world, number)->identity.public_key);
}

static enum sotto_err row_look(void *context, uint64_t index, struct bytes value)
{
	struct found *found = context;
	struct talk_message message;

	(void)index;
	assert_int_equal(talk_message_decode(value, &message), SOTTO_OK);
	found->texts += message.kind == TALK_ROW_TEXT;
	found->devices += message.verb == TALK_VERB_DEVICE;
	if (bytes_equal(message.text, BYTES(found->text, strlen(found->text)))) {
		found->count++;
		found->message = message;
	}
	return SOTTO_OK;
}

struct found look(struct world *world, uint32_t number, uint32_t extension, const char *text)
{
	struct talk_conversation with = talk_with(extension);
	struct found found = {.text = text};
	struct store_range range;
	struct talk_owner owner;

	assert_int_equal(talk_conversation_owner(talk_of(world, number), &with, &owner), SOTTO_OK);
	range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(&owner));
	assert_int_equal(
		store_iterate(&world_phone(world, number)->reader, &range, row_look, &found),
		SOTTO_OK);
	return found;
}

void say(struct world *world, uint32_t from, uint32_t to, const char *text)
{
	struct talk_conversation with = talk_with(to);
	uint8_t id[TALK_MESSAGE_ID_LEN];

	assert_int_equal(talk_send_text(talk_of(world, from), &with, BYTES(text, strlen(text)),
					NULL, id, world_now(world), utc_ms(world)),
			 SOTTO_OK);
	world_settle(world_phone(world, from));
}

void add_after(struct world *world, const char *text, uint32_t old, uint32_t new)
{
	say(world, 2, 101, text);
	world_run(world, 10);
	add(world, old, new, "Tablet");
}

void assert_says(struct world *world, uint32_t number, uint32_t with, const char *text,
		 uint32_t from, enum talk_message_state state)
{
	struct found found = look(world, number, with, text);

	assert_int_equal(found.count, 1);
	assert_int_equal(found.message.from, from);
	assert_int_equal(found.message.state, state);
}
