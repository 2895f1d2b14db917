/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all who come into a group by one commit are told alike travels once, as a sealed file that their parcels name:
 * whoever dies, whatever the relay loses, and whatever a member puts there, those who are added come in, and nothing
 * is left over. What is short stands in the parcel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "tests/sparse.h"
#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

#define PHONES	 8
#define OLD	 3 /* are in the group when the others come */
#define OTHERS	 (PHONE(3) | PHONE(4) | PHONE(5) | PHONE(6) | PHONE(7))
#define ALL	 (PHONE(PHONES) - 1)
#define MAKER	 1
#define NEWCOMER 5

/* What leaves the phones. */
static struct {
	size_t file_records, parcel_records, parcel_bytes;
} sent;

static void request_sent(void *context, const struct talk *talk, struct bytes request)
{
	struct wire_append append;
	struct wire_cursor cursor;
	struct wire_record record;

	(void)context;
	(void)talk;
	if (wire_identify(WIRE_FAMILY_RELAY, request) != &wire_append_type)
		return;
	assert_int_equal(wire_decode(&wire_append_type, request, &append), SOTTO_OK);
	cursor = wire_list_walk(&append.records);
	assert_true(wire_record_next(&cursor, &record));
	sent.file_records += append.flags == WIRE_DROP_FILE;
	if ((append.flags & WIRE_DROP_INBOX) != 0) {
		sent.parcel_records++;
		sent.parcel_bytes += record.sealed.len;
	}
}

static void begin(struct circle *circle, uint64_t seed)
{
	circle_begin(circle, seed, PHONES, PHONE(1) | PHONE(2));
	assert_true(circle_holds(circle, PHONE(OLD) - 1, "Harbour"));
	memset(&sent, 0, sizeof(sent));
	world_listen(circle->world, request_sent, NULL);
}

static size_t length(const struct list *list)
{
	size_t count = 0;

	list_for_each (element, following, list)
		count++;
	return count;
}

static enum sotto_err row_count(void *context, uint64_t index, struct bytes value)
{
	(void)index;
	(void)value;
	++*(size_t *)context;
	return SOTTO_OK;
}

static size_t file_rows(const struct circle *circle, uint32_t number)
{
	struct store_range range = STORE_RANGE_ALL(TALK_TABLE_PARCEL, TALK_OWNER_FILE);
	size_t count = 0;

	assert_int_equal(store_iterate(&world_phone(circle->world, number)->reader, &range,
				       row_count, &count),
			 SOTTO_OK);
	return count;
}

/* All are in, and nobody keeps or waits for anything. */
static void assert_settled(const struct circle *circle)
{
	assert_true(circle_holds(circle, ALL, "Harbour"));
	for (uint32_t i = 0; i < PHONES; i++) {
		const struct talk *talk = talk_of(circle->world, i);

		assert_int_equal(state_of(circle->world, i), TALK_MEMBER);
		assert_int_equal(length(&talk->parcels), 0);
		assert_int_equal(length(&talk->files), 0);
		assert_int_equal(length(&talk->coming), 0);
		assert_null(talk->fetch);
		assert_int_equal(file_rows(circle, i), 0);
	}
}

static void test_travels_once(void **state)
{
	struct circle circle;
	size_t records = 0;

	(void)state;
	begin(&circle, 1);
	assert_int_equal(circle_add(&circle, MAKER, OTHERS), SOTTO_OK);
	for (uint32_t ms = 0; ms < 20000 && records == 0; ms++) {
		world_run_ms(circle.world, 1);
		if (length(&talk_of(circle.world, MAKER)->files) > 0)
			records = CONTAINER_OF(talk_of(circle.world, MAKER)->files.next,
					       struct talk_sent_file, list)
					  ->records.count;
	}
	/* The tree of eight is longer than what a parcel has room for, and the first part is one of its own. */
	assert_int_equal(records, 2);
	assert_int_equal(length(&talk_of(circle.world, MAKER)->parcels), 5);
	world_run(circle.world, 60);
	assert_settled(&circle);
	assert_int_equal(sent.file_records, records);
	assert_int_equal(sent.parcel_records, 5);
	assert_int_equal(sent.parcel_bytes, 5 * WIRE_RECORD_LEN_4);
	circle_end(&circle);
}

/* Of two, the tree has room in the parcel, and no file is made. */
static void test_short_is_inline(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 2, 4, 0);
	memset(&sent, 0, sizeof(sent));
	world_listen(circle.world, request_sent, NULL);
	assert_int_equal(circle_add(&circle, 0, PHONE(1)), SOTTO_OK);
	world_run(circle.world, 30);
	assert_true(circle_holds(&circle, 0x3, "Harbour"));
	assert_int_equal(sent.file_records, 0);
	assert_int_equal(sent.parcel_records, 1);
	assert_int_equal(sent.parcel_bytes, WIRE_RECORD_LEN_16);
	circle_end(&circle);
}

/* The relay loses its store when the file is there and those whom it is for are off; its maker puts it there again. */
static void test_relay_loses_it(void **state)
{
	(void)state;
	for (uint32_t ms = 0; ms < 2000; ms += 125) {
		struct circle circle;

		begin(&circle, 10 + ms);
		for (uint32_t i = OLD; i < PHONES; i++)
			world_link(circle.world, i, ms % 250 == 0);
		assert_int_equal(circle_add(&circle, MAKER, OTHERS), SOTTO_OK);
		world_run_ms(circle.world, ms);
		links(circle.world, PHONES, false);
		world_run(circle.world, 1);
		fake_relay_lose(world_relay(circle.world));
		links(circle.world, PHONES, true);
		world_run(circle.world, 120);
		assert_settled(&circle);
		circle_end(&circle);
	}
}

/* It is lost while nobody but those who need it is there; they look again, until its maker is back. */
static void test_maker_is_off(void **state)
{
	struct circle circle;

	(void)state;
	begin(&circle, 3);
	for (uint32_t i = OLD; i < PHONES; i++)
		world_link(circle.world, i, false);
	world_run(circle.world, 1);
	assert_int_equal(circle_add(&circle, MAKER, OTHERS), SOTTO_OK);
	world_run(circle.world, 30);
	assert_int_equal(length(&talk_of(circle.world, MAKER)->files), 1);
	assert_int_equal(file_rows(&circle, MAKER), 1);
	/* The parcels are kept elsewhere: as if the relay had lost the file alone. */
	links(circle.world, PHONES, false);
	world_run(circle.world, 1);
	fake_relay_lose(world_relay(circle.world));
	list_for_each (element, following, &talk_of(circle.world, MAKER)->parcels) {
		const struct talk_sent_parcel *parcel =
			CONTAINER_OF(element, struct talk_sent_parcel, list);
		struct talk_drop inbox = {.flags = WIRE_DROP_INBOX | WIRE_DROP_CATCH_UP};

		wire_append_token_hash(parcel->append_token, inbox.append_hash);
		memcpy(inbox.read_hash, parcel->read_hash, WIRE_HASH_LEN);
		talk_drop_name(&inbox);
		fake_relay_put(world_relay(circle.world), inbox.name,
			       talk_blob_bytes(&parcel->records.items[0]));
	}
	for (uint32_t i = 0; i < PHONES; i++)
		world_link(circle.world, i, i != MAKER);
	world_run(circle.world, 60);
	for (uint32_t i = OLD; i < PHONES; i++) {
		assert_null(circle_group(&circle, i));
		assert_int_equal(length(&talk_of(circle.world, i)->coming), 1);
	}
	world_restart(world_phone(circle.world, NEWCOMER));
	world_restart(world_phone(circle.world, MAKER));
	world_link(circle.world, MAKER, true);
	world_run(circle.world, 300);
	assert_settled(&circle);
	circle_end(&circle);
}

/* Who dies at its nth store action comes through. */
static uint32_t with_power_cuts(uint32_t victim, uint64_t actions)
{
	struct circle circle;
	struct world_phone *phone;
	uint32_t deaths;

	begin(&circle, 100 + victim);
	phone = world_phone(circle.world, victim);
	world_die_after(phone, actions);
	(void)circle_add(&circle, MAKER, OTHERS);
	world_run(circle.world, 40);
	deaths = phone->deaths;
	world_die_after(phone, UINT64_MAX);
	/* What it was asked when it died was not asked. */
	(void)circle_add(&circle, MAKER, OTHERS);
	world_run(circle.world, 40);
	assert_settled(&circle);
	circle_end(&circle);
	return deaths;
}

static void test_power(void **state)
{
	static const uint32_t victims[] = {MAKER, NEWCOMER};
	uint32_t points = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(victims); i++) {
		uint64_t action = 0;

		for (; with_power_cuts(victims[i], action) > 0; action += SPARSE(5))
			points++;
	}
	print_message("# %u points\n", points);
	assert_true(points > 20 / SPARSE(5));
}

/* ---- What a member could put there ---- */

enum wrong {
	NOTHING,
	HASH,
	LENGTH,
	NONE,
	TOO_LONG,
	KEY,
	ID,
	COUNT,
	LAST_MISSING,
	TWICE,
	BACKWARDS,
};

#define FILE_LEN 130000 /* four parts: the first, two whole ones and a rest */

/* Announces a file, reads these records of it, and says what came of that. */
static enum sotto_err fetch(struct circle *circle, struct talk_file *file,
			    const struct talk_records *records, enum wrong wrong,
			    struct talk_blob *contents)
{
	struct talk *talk = talk_of(circle->world, 0);
	struct talk_part part = {.count = 1, .id = {7}};
	struct talk_coming *coming;
	enum sotto_err err;

	assert_int_equal(talk_coming_make(talk, &talk->coming, &part, &coming), SOTTO_OK);
	err = talk_fetch_file(talk, coming, file, contents);
	if (err == SOTTO_ERR_AGAIN) {
		assert_non_null(talk->fetch);
		for (size_t i = 0; i < records->count; i++) {
			size_t at = wrong == BACKWARDS ? records->count - 1 - i : i;

			if (wrong == LAST_MISSING && at == records->count - 1)
				continue;
			assert_int_equal(
				talk_fetch_receive(talk, talk_blob_bytes(&records->items[at])),
				SOTTO_OK);
			if (wrong == TWICE)
				assert_int_equal(
					talk_fetch_receive(talk,
							   talk_blob_bytes(&records->items[at])),
					SOTTO_OK);
		}
		err = talk_fetch_file(talk, coming, file, contents);
	}
	assert_int_equal(talk_fetch_end(talk, coming), SOTTO_OK);
	assert_null(talk->fetch);
	talk_coming_free(talk, coming);
	return err;
}

static const struct {
	enum wrong wrong;
	enum sotto_err err;
} cases[] = {
	{NOTHING, SOTTO_OK},	   {HASH, SOTTO_ERR_AGAIN},	  {LENGTH, SOTTO_ERR_INVALID},
	{NONE, SOTTO_ERR_INVALID}, {TOO_LONG, SOTTO_ERR_INVALID}, {KEY, SOTTO_ERR_AGAIN},
	{ID, SOTTO_ERR_INVALID},   {COUNT, SOTTO_ERR_AGAIN},	  {LAST_MISSING, SOTTO_ERR_AGAIN},
	{TWICE, SOTTO_OK},	   {BACKWARDS, SOTTO_OK},
};

static void test_wrong_files(void **state)
{
	static uint8_t bytes[FILE_LEN];
	struct circle circle;
	struct talk *maker;

	(void)state;
	begin(&circle, 4);
	maker = talk_of(circle.world, MAKER);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk_blob contents = {0};
		struct talk_sent_file *made;
		struct talk_file file;
		uint64_t number;

		assert_int_equal(talk_file_make(maker, BYTES_OF(bytes), &file, &number), SOTTO_OK);
		made = CONTAINER_OF(maker->files.next, struct talk_sent_file, list);
		assert_int_equal(made->number, number);
		assert_int_equal(made->records.count, 4);
		assert_int_equal(made->records.items[0].len, WIRE_RECORD_LEN_1);
		switch (cases[i].wrong) {
		case HASH: /* other parts than these are waited for */
			file.hash[0] ^= 1;
			break;
		case ID: /* these parts, and another whole */
			file.hash[WIRE_HASH_LEN - 1] ^= 1;
			break;
		case LENGTH:
			file.length--;
			break;
		case NONE:
			file.length = 0;
			break;
		case TOO_LONG:
			file.length = TALK_FILE_MAX + 1;
			break;
		case KEY:
			file.record_key[3] ^= 1;
			break;
		case COUNT:
			file.length += TALK_PART_MAX;
			break;
		case NOTHING:
		case LAST_MISSING:
		case TWICE:
		case BACKWARDS:
			break;
		}
		assert_int_equal(fetch(&circle, &file, &made->records, cases[i].wrong, &contents),
				 cases[i].err);
		if (cases[i].err == SOTTO_OK)
			assert_true(bytes_equal(talk_blob_bytes(&contents), BYTES_OF(bytes)));
		else
			assert_int_equal(contents.len, 0);
		talk_blob_clear(maker, &contents);
		talk_file_free(maker, made);
	}
	/* What is longer than can be announced is not made. */
	assert_int_equal(talk_file_make(maker, BYTES_NONE, &(struct talk_file){0}, &(uint64_t){0}),
			 SOTTO_ERR_LIMIT);
	circle_end(&circle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_travels_once),   cmocka_unit_test(test_short_is_inline),
		cmocka_unit_test(test_relay_loses_it), cmocka_unit_test(test_maker_is_off),
		cmocka_unit_test(test_power),	       cmocka_unit_test(test_wrong_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
