/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: created, named, joined, left; what is wished at the same time; what a member must not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sparse.h"
#include "tests/talk/circle.h"
#include "tests/talk/steps.h"

static void run(struct circle *circle, uint64_t seconds)
{
	world_run(circle->world, seconds);
}

/* One after the other, as people do. */
static void test_life(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 1, 6, PHONE(1) | PHONE(2));
	assert_true(circle_holds(&circle, 0x7, "Harbour"));
	assert_null(circle_group(&circle, 3));

	assert_int_equal(circle_add(&circle, 2, PHONE(3) | PHONE(4)), SOTTO_OK);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x1f, "Harbour"));
	assert_int_equal(circle_rename(&circle, 4, "Quay"), SOTTO_OK);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x1f, "Quay"));
	assert_int_equal(circle_remove(&circle, 1, PHONE(0)), SOTTO_OK);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x1e, "Quay"));
	assert_int_equal(circle_leave(&circle, 3), SOTTO_OK);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x16, "Quay"));

	/* Both come back into the same group, with what they had of it. */
	assert_int_equal(circle_add(&circle, 4, PHONE(0) | PHONE(3)), SOTTO_OK);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x1f, "Quay"));
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(problems_of(circle.world, i), 0);
		world_restart(world_phone(circle.world, i));
	}
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x1f, "Quay"));
	circle_end(&circle);
}

static void assert_story(const struct circle *circle, uint32_t number, bool texts,
			 const char *expected)
{
	char *story = circle_story(circle, number, texts);

	assert_string_equal(story, expected);
	free(story);
}

/* Who did what, on every phone the same; a newcomer sees who let him in, and nothing of before. */
static void test_what_is_shown(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 5, 5, PHONE(1));
	assert_int_equal(circle_add(&circle, 0, PHONE(2)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_send(&circle, 1, 1), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_send(&circle, 3, 2), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_rename(&circle, 2, "Quay"), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_remove(&circle, 3, PHONE(1)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_send(&circle, 0, 3), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_leave(&circle, 2), SOTTO_OK);
	run(&circle, 20);
	assert_story(&circle, 0, true,
		     "100 created Harbour\n100 added 101\n100 added 102\n101: text 1\n"
		     "101 added 103\n103: text 2\n102 named it Quay\n103 removed 101\n"
		     "100: text 3\n102 left\n");
	assert_story(&circle, 2, true,
		     "100 added 102\n101: text 1\n101 added 103\n103: text 2\n"
		     "102 named it Quay\n103 removed 101\n100: text 3\n102 left\n");
	assert_story(&circle, 1, true,
		     "100 added 101\n100 added 102\n101: text 1\n101 added 103\n103: text 2\n"
		     "102 named it Quay\n103 removed 101\n");
	assert_story(&circle, 3, true,
		     "101 added 103\n103: text 2\n102 named it Quay\n103 removed 101\n"
		     "100: text 3\n102 left\n");
	circle_end(&circle);
}

/* Written by all at once while people come and go: whoever was in it has it once, in one order. */
static void test_texts(void **state)
{
	(void)state;
	for (uint64_t seed = 6; seed < 12; seed++) {
		struct circle circle;
		char *first, *other;

		circle_begin(&circle, seed, 6, PHONE(1) | PHONE(2) | PHONE(3));
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(circle_send(&circle, i, i), SOTTO_OK);
		assert_int_equal(circle_rename(&circle, 1, "Quay"), SOTTO_OK);
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(circle_send(&circle, i, 10 + i), SOTTO_OK);
		assert_int_equal(circle_add(&circle, 2, PHONE(4)), SOTTO_OK);
		world_run_ms(circle.world, 50 * (seed - 6));
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(circle_send(&circle, i, 20 + i), SOTTO_OK);
		run(&circle, 60);
		assert_true(circle_holds(&circle, 0x1f, "Quay"));
		first = circle_story(&circle, 0, true);
		for (uint32_t i = 0; i < 4; i++) {
			for (uint32_t k = 0; k < 30; k += 10) {
				assert_int_equal(circle_state(&circle, i, k + i),
						 TALK_MESSAGE_DELIVERED);
				for (uint32_t to = 0; to < 4; to++)
					assert_int_equal(circle_received(&circle, to, i, k + i), 1);
			}
			other = circle_story(&circle, i, true);
			/* All of it after the creator's own beginnings. */
			assert_string_equal(strstr(other, "text"), strstr(first, "text"));
			free(other);
		}
		free(first);
		circle_end(&circle);
	}
}

/* What was said before is not for whom it adds, and what is said after not for whom it removes. */
static void test_bounds_of_membership(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 12, 5, PHONE(1) | PHONE(2));
	assert_int_equal(circle_send(&circle, 0, 1), SOTTO_OK);
	run(&circle, 20);
	/* Who is added learns nothing of before, and has no drop of it. */
	assert_int_equal(circle_add(&circle, 0, PHONE(3)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_received(&circle, 3, 0, 1), 0);
	assert_true(circle_group(&circle, 3)->drop_count < 3);

	/* Who is removed while he is off has got nothing when he is back, though he knows all tokens that he had. */
	world_link(circle.world, 2, false);
	run(&circle, 2);
	assert_int_equal(circle_remove(&circle, 0, PHONE(2)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_send(&circle, 0, 2), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_state(&circle, 0, 2), TALK_MESSAGE_DELIVERED);
	assert_int_equal(circle_send(&circle, 2, 3), SOTTO_OK);
	world_link(circle.world, 2, true);
	run(&circle, 30);
	assert_int_equal(circle_received(&circle, 2, 0, 2), 0);
	assert_int_equal(circle_received(&circle, 0, 2, 3), 0);
	assert_int_equal(circle_state(&circle, 2, 3), TALK_MESSAGE_FAILED);
	assert_int_equal(circle_send(&circle, 2, 4), SOTTO_ERR_DENIED);
	for (size_t i = 0; i < circle_group(&circle, 2)->drop_count; i++)
		assert_memory_not_equal(circle_group(&circle, 2)->drops[i].read_token,
					circle_group(&circle, 0)->drops[0].read_token,
					WIRE_TOKEN_LEN);
	circle_end(&circle);
}

/* He had not got it when he was removed, and is not waited for; who has not got it otherwise is. */
static void test_delivered_without_the_removed(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 14, 5, PHONE(1) | PHONE(2) | PHONE(3));
	world_link(circle.world, 2, false);
	world_link(circle.world, 3, false);
	run(&circle, 2);
	assert_int_equal(circle_send(&circle, 0, 1), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_state(&circle, 0, 1), TALK_MESSAGE_STORED);
	assert_int_equal(circle_remove(&circle, 1, PHONE(2)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_state(&circle, 0, 1), TALK_MESSAGE_STORED);
	world_link(circle.world, 3, true);
	run(&circle, 20);
	assert_int_equal(circle_state(&circle, 0, 1), TALK_MESSAGE_DELIVERED);
	/* The last one who could have got it goes without it. */
	world_link(circle.world, 1, false);
	run(&circle, 2);
	assert_int_equal(circle_remove(&circle, 0, PHONE(3)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_send(&circle, 0, 2), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_remove(&circle, 0, PHONE(1)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_state(&circle, 0, 2), TALK_MESSAGE_FAILED);
	assert_int_equal(circle_send(&circle, 0, 3), SOTTO_ERR_DENIED);
	circle_end(&circle);
}

static void assert_reached(const struct circle *circle, uint32_t text, const char *expected)
{
	char reached[128];

	circle_reached(circle, 0, text, reached, sizeof(reached));
	assert_string_equal(reached, expected);
}

/* Who has it and who has read it is known of each member; who is off is not in the list until he is back. */
static void test_delivered_to_each(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 15, 5, PHONE(1) | PHONE(2) | PHONE(3));
	world_link(circle.world, 3, false);
	run(&circle, 2);
	assert_int_equal(circle_send(&circle, 0, 1), SOTTO_OK);
	assert_reached(&circle, 1, "");
	run(&circle, 20);
	assert_reached(&circle, 1, "101 has|102 has");
	assert_int_equal(circle_state(&circle, 0, 1), TALK_MESSAGE_STORED);
	/* Reading counts once, and of who says nothing of it not at all. */
	assert_int_equal(talk_tell_read(talk_of(circle.world, 2), false, world_now(circle.world),
					WORLD_UTC_MS),
			 SOTTO_OK);
	world_settle(world_phone(circle.world, 2));
	for (uint32_t i = 1; i < 3; i++)
		assert_int_equal(circle_read(&circle, i), SOTTO_OK);
	run(&circle, 20);
	assert_reached(&circle, 1, "101 read|102 has");
	world_restart(world_phone(circle.world, 0));
	assert_reached(&circle, 1, "101 read|102 has");
	/* Back in another epoch, he has it, and so have all. */
	assert_int_equal(circle_rename(&circle, 2, "Quay"), SOTTO_OK);
	run(&circle, 20);
	world_link(circle.world, 3, true);
	run(&circle, 20);
	assert_reached(&circle, 1, "101 read|102 has|103 has");
	assert_int_equal(circle_state(&circle, 0, 1), TALK_MESSAGE_DELIVERED);
	assert_int_equal(circle_read(&circle, 3), SOTTO_OK);
	run(&circle, 20);
	assert_reached(&circle, 1, "101 read|102 has|103 read");
	/* Nobody but its author learns how far it came, and it never reached whom it was not for. */
	assert_int_equal(circle_add(&circle, 1, PHONE(4)), SOTTO_OK);
	run(&circle, 20);
	assert_int_equal(circle_read(&circle, 4), SOTTO_OK);
	assert_int_equal(circle_send(&circle, 0, 2), SOTTO_OK);
	run(&circle, 20);
	assert_reached(&circle, 1, "101 read|102 has|103 read");
	assert_reached(&circle, 2, "101 has|102 has|103 has|104 has");
	circle_end(&circle);
}

/* Two add different people in the same moment: both are in, whoever was first. */
static void test_two_add(void **state)
{
	(void)state;
	for (uint64_t seed = 10; seed < 20; seed++) {
		struct circle circle;

		circle_begin(&circle, seed, 6, PHONE(1) | PHONE(2));
		assert_int_equal(circle_add(&circle, 1, PHONE(3) | PHONE(5)), SOTTO_OK);
		assert_int_equal(circle_add(&circle, 2, PHONE(4) | PHONE(5)), SOTTO_OK);
		run(&circle, 60);
		assert_true(circle_holds(&circle, 0x3f, "Harbour"));
		circle_end(&circle);
	}
}

/* What comes of it depends on who was first; that all agree does not. */
static void test_one_adds_whom_another_removes(void **state)
{
	(void)state;
	for (uint64_t seed = 20; seed < 30; seed++) {
		struct circle circle;
		bool in;

		circle_begin(&circle, seed, 5, PHONE(1) | PHONE(2));
		assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_OK);
		world_run_ms(circle.world, 20 * (seed - 20));
		/* Nobody removes whom he does not see. */
		(void)circle_remove(&circle, 2, PHONE(3));
		run(&circle, 60);
		in = circle_group(&circle, 3) != NULL && !talk_group_over(circle_group(&circle, 3));
		assert_true(circle_holds(&circle, in ? 0xf : 0x7, "Harbour"));
		/* Then the same person is removed by one and by another added, who is in. */
		if (!in)
			assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_OK);
		run(&circle, 60);
		assert_int_equal(circle_remove(&circle, 2, PHONE(3)), SOTTO_OK);
		assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_OK);
		run(&circle, 60);
		assert_true(circle_holds(&circle, 0x7, "Harbour"));
		circle_end(&circle);
	}
}

static void test_both_rename(void **state)
{
	(void)state;
	for (uint64_t seed = 30; seed < 40; seed++) {
		struct circle circle;
		struct talk_context context;

		circle_begin(&circle, seed, 4, PHONE(1) | PHONE(2));
		assert_int_equal(circle_rename(&circle, 1, "Quay"), SOTTO_OK);
		assert_int_equal(circle_rename(&circle, 2, "Pier"), SOTTO_OK);
		run(&circle, 60);
		assert_int_equal(talk_group_context(circle_group(&circle, 0)->mls, &context),
				 SOTTO_OK);
		/* Who lost comes second, so that both names were there. */
		assert_true(
			circle_holds(&circle, 0x7, context.name.data[0] == 'Q' ? "Quay" : "Pier"));
		assert_int_equal(circle_group(&circle, 0)->drops[0].epoch,
				 circle_group(&circle, 0)->drops[1].epoch + 1);
		circle_end(&circle);
	}
}

static void test_add_while_somebody_leaves(void **state)
{
	(void)state;
	for (uint64_t seed = 40; seed < 50; seed++) {
		struct circle circle;

		circle_begin(&circle, seed, 6, PHONE(1) | PHONE(2) | PHONE(3));
		assert_int_equal(circle_leave(&circle, 2), SOTTO_OK);
		assert_int_equal(circle_add(&circle, 1, PHONE(4)), SOTTO_OK);
		/* Who is adding and leaves at once may have added, or not. */
		assert_int_equal(circle_add(&circle, 3, PHONE(5)), SOTTO_OK);
		world_run_ms(circle.world, 30 * (seed - 40));
		assert_int_equal(circle_leave(&circle, 3), SOTTO_OK);
		assert_int_equal(circle_leave(&circle, 3), SOTTO_ERR_DENIED);
		assert_int_equal(circle_rename(&circle, 3, "Mine"), SOTTO_ERR_DENIED);
		run(&circle, 60);
		assert_true(circle_holds(&circle, circle_group(&circle, 5) != NULL ? 0x33 : 0x13,
					 "Harbour"));
		circle_end(&circle);
	}
}

/* Removed in the moment in which its own commit is on its way. */
static void test_committer_is_removed(void **state)
{
	(void)state;
	for (uint64_t seed = 50; seed < 62; seed++) {
		struct circle circle;
		bool in;

		circle_begin(&circle, seed, 5, PHONE(1) | PHONE(2));
		assert_int_equal(circle_remove(&circle, 0, PHONE(1)), SOTTO_OK);
		world_run_ms(circle.world, 10 * (seed - 50));
		(void)circle_add(&circle, 1, PHONE(3) | PHONE(4));
		run(&circle, 60);
		in = circle_group(&circle, 3) != NULL;
		assert_true(circle_holds(&circle, in ? 0x1d : 0x5, "Harbour"));
		assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_ERR_DENIED);
		circle_end(&circle);
	}
}

/* All but one want to go at once; then the last one does. Nobody holds it up. */
static void test_all_leave(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 70, 6, 0x3e);
	for (uint32_t i = 1; i < 6; i++)
		assert_int_equal(circle_leave(&circle, i), SOTTO_OK);
	run(&circle, 90);
	assert_true(circle_holds(&circle, 0x1, "Harbour"));
	assert_int_equal(circle_leave(&circle, 0), SOTTO_OK);
	run(&circle, 10);
	assert_true(circle_holds(&circle, 0, NULL));
	world_restart(world_phone(circle.world, 0));
	run(&circle, 10);
	assert_true(circle_holds(&circle, 0, NULL));
	circle_end(&circle);

	/* Really all. */
	circle_begin(&circle, 71, 5, 0x1e);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(circle_leave(&circle, i), SOTTO_OK);
	run(&circle, 90);
	assert_true(circle_holds(&circle, 0, NULL));
	circle_end(&circle);
}

/* Off for thirty changes, it comes back to the last one, and can go on. */
static void test_long_away(void **state)
{
	struct circle circle;
	char name[16];

	(void)state;
	circle_begin(&circle, 80, 5, PHONE(1) | PHONE(2) | PHONE(3));
	world_link(circle.world, 3, false);
	for (uint32_t i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "Name %u", i);
		assert_int_equal(circle_rename(&circle, i % 3, name), SOTTO_OK);
		run(&circle, 30);
	}
	world_link(circle.world, 3, true);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0xf, "Name 29"));
	assert_int_equal(circle_add(&circle, 3, PHONE(4)), SOTTO_OK);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x1f, "Name 29"));
	circle_end(&circle);
}

/* A revoked member goes out of groups without anybody's asking, and nothing is sent until he is. */
static void test_revoked_goes(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 85, 5, PHONE(1) | PHONE(2) | PHONE(3));
	revoke(circle.world, 2);
	run(&circle, 60);
	assert_int_equal(state_of(circle.world, 2), TALK_REVOKED);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(i == 2 || circle_sees(&circle, i, 0xb));
	/* Nobody can add him any more. */
	assert_int_equal(circle_add(&circle, 0, PHONE(2)), SOTTO_ERR_DENIED);
	circle_end(&circle);
}

/* He wrote while he was off, and whom it was for is revoked meanwhile: nobody is left, and he learns it. */
static void test_nobody_left(void **state)
{
	struct talk_status status;
	struct circle circle;

	(void)state;
	circle_begin(&circle, 86, 5, PHONE(1) | PHONE(2));
	assert_int_equal(circle_leave(&circle, 0), SOTTO_OK);
	run(&circle, 30);
	assert_true(circle_holds(&circle, 0x6, "Harbour"));
	world_link(circle.world, 1, false);
	run(&circle, 2);
	assert_int_equal(circle_send(&circle, 1, 1), SOTTO_OK);
	revoke(circle.world, 2);
	run(&circle, 30);
	world_link(circle.world, 1, true);
	run(&circle, 60);
	assert_true(circle_sees(&circle, 1, 0x2));
	assert_int_equal(circle_state(&circle, 1, 1), TALK_MESSAGE_FAILED);
	talk_status(world_phone(circle.world, 1)->talk, &status);
	assert_int_equal(status.queued, 0);
	assert_int_equal(status.unacknowledged, 0);
	circle_end(&circle);
}

/* Who has left waits for nothing there. */
static void test_left_sleeps(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 87, 4, PHONE(1) | PHONE(2));
	assert_int_equal(circle_leave(&circle, 2), SOTTO_OK);
	assert_int_equal(circle_remove(&circle, 0, PHONE(1)), SOTTO_OK);
	run(&circle, 60);
	assert_int_equal(circle_leave(&circle, 0), SOTTO_OK);
	run(&circle, 7400);
	for (uint32_t i = 0; i < 4; i++) {
		world_settle(world_phone(circle.world, i));
		assert_true(talk_deadline(world_phone(circle.world, i)->talk) >
			    world_now(circle.world) + UINT64_C(5000000000));
	}
	circle_end(&circle);
}

static struct talk_group_info info_of(const struct circle *circle, uint32_t number)
{
	struct talk_group_info info;
	uint64_t cursor = 0;

	assert_true(talk_next_group(talk_of(circle->world, number), &cursor, &info));
	assert_memory_equal(info.id, circle->id, sizeof(info.id));
	assert_true(talk_group_get(talk_of(circle->world, number), circle->id, &info));
	assert_memory_equal(info.id, circle->id, sizeof(info.id));
	return info;
}

/* What is wanted is counted on the phone of who wants it, until it is so. */
static void test_wanted(void **state)
{
	struct circle circle;

	(void)state;
	circle_begin(&circle, 88, 5, PHONE(1));
	assert_int_equal(info_of(&circle, 0).wanted, 0);
	world_link(circle.world, 0, false);
	run(&circle, 2);
	assert_int_equal(circle_add(&circle, 0, PHONE(2) | PHONE(3)), SOTTO_OK);
	assert_int_equal(circle_rename(&circle, 0, "Quay"), SOTTO_OK);
	assert_int_equal(info_of(&circle, 0).wanted, 3);
	assert_int_equal(info_of(&circle, 0).devices, 2);
	/* Nobody is asked twice, and who is not wanted any more is not. */
	assert_int_equal(circle_add(&circle, 0, PHONE(2)), SOTTO_OK);
	assert_int_equal(circle_remove(&circle, 0, PHONE(3)), SOTTO_OK);
	assert_int_equal(info_of(&circle, 0).wanted, 2);
	world_restart(world_phone(circle.world, 0));
	assert_int_equal(info_of(&circle, 0).wanted, 2);
	/* That somebody leaves is nothing that others want. */
	assert_int_equal(circle_leave(&circle, 1), SOTTO_OK);
	world_link(circle.world, 0, true);
	run(&circle, 60);
	assert_true(circle_holds(&circle, 0x5, "Quay"));
	assert_int_equal(info_of(&circle, 0).wanted, 0);
	assert_int_equal(info_of(&circle, 0).devices, 2);
	circle_end(&circle);
}

/* These lines, whatever the order of those that stand at one place, and no others. */
static void assert_told(const struct circle *circle, uint32_t number, const char *lines)
{
	char *story = circle_story(circle, number, false);
	size_t len = 0;

	while (*lines != '\0') {
		size_t line_len = strcspn(lines, "|");
		char line[64];

		(void)snprintf(line, sizeof(line), "%.*s", (int)line_len, lines);
		assert_non_null(strstr(story, line));
		len += line_len;
		lines += line_len + (lines[line_len] == '|');
	}
	assert_int_equal(strlen(story), len);
	free(story);
}

/* One of this phone that does not say that it knows what every group here has. */
static void unfit_make(struct talk *talk, struct mls_buffer *message)
{
	struct mls_key_package_secrets secrets;
	struct mls_leaf_options options;

	talk_leaf_options(talk, &options);
	options.extension_type_count = 0;
	assert_int_equal(mls_key_package_create(&talk->mls, &options, NULL, 0, message, &secrets),
			 SOTTO_OK);
	mls_key_package_secrets_wipe(&secrets);
}

/* What can't be any more is said to the phone that wanted it, once, and to nobody else; a restart changes nothing. */
static void test_in_vain(void **state)
{
	struct mls_buffer unfit = {0};
	struct talk_blob right;
	struct circle circle;
	struct talk_package *package;

	(void)state;
	circle_begin(&circle, 89, 5, PHONE(1));
	/* He is revoked before it comes about. */
	world_link(circle.world, 1, false);
	run(&circle, 2);
	assert_int_equal(circle_add(&circle, 1, PHONE(2)), SOTTO_OK);
	revoke(circle.world, 2);
	world_link(circle.world, 1, true);
	run(&circle, 60);
	assert_told(&circle, 1, "100 added 101\n|not added 102: gone\n");
	assert_int_equal(info_of(&circle, 1).wanted, 0);

	/* His key package is for no group of this network, as far as this phone has it. */
	package = talk_package_of(talk_of(circle.world, 1),
				  talk_of(circle.world, 3)->identity.public_key);
	unfit_make(talk_of(circle.world, 3), &unfit);
	right = package->message;
	package->message = (struct talk_blob){unfit.data, unfit.len};
	assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_OK);
	run(&circle, 30);
	package->message = right;
	mls_buffer_release(&unfit);
	assert_told(&circle, 1, "100 added 101\n|not added 102: gone\n|not added 103: package\n");

	/* It is taken out itself, and had wanted four things. */
	assert_int_equal(circle_add(&circle, 1, PHONE(3)), SOTTO_OK);
	run(&circle, 30);
	world_link(circle.world, 1, false);
	run(&circle, 2);
	assert_int_equal(circle_add(&circle, 1, PHONE(4)), SOTTO_OK);
	assert_int_equal(circle_remove(&circle, 1, PHONE(3)), SOTTO_OK);
	assert_int_equal(circle_rename(&circle, 1, "Mine"), SOTTO_OK);
	world_restart(world_phone(circle.world, 1));
	assert_int_equal(circle_remove(&circle, 0, PHONE(1)), SOTTO_OK);
	run(&circle, 30);
	world_link(circle.world, 1, true);
	run(&circle, 60);
	world_restart(world_phone(circle.world, 1));
	run(&circle, 30);
	assert_told(&circle, 1,
		    "100 added 101\n|not added 102: gone\n|not added 103: package\n|"
		    "101 added 103\n|100 removed 101\n|not added 104: out\n|"
		    "not removed 103: out\n|not named: out\n");
	assert_int_equal(info_of(&circle, 1).wanted, 0);
	assert_story(&circle, 0, false,
		     "100 created Harbour\n100 added 101\n101 added 103\n100 removed 101\n");
	circle_end(&circle);
}

/* What is asked wrongly is answered, and nothing changes. */
static void test_refusals(void **state)
{
	struct circle circle;
	struct talk *talk;
	uint8_t unknown[TALK_CONVERSATION_ID_LEN] = {1};
	uint8_t id[TALK_CONVERSATION_ID_LEN];
	uint32_t nobody = 999, own = 100, other = 101;
	struct talk_group_info info;

	(void)state;
	circle_begin(&circle, 90, 3, PHONE(1));
	talk = talk_of(circle.world, 0);
	assert_false(talk_group_get(talk, unknown, &info));
	assert_int_equal(talk_group_rename(talk, unknown, BYTES_TEXT("x"), 0, 0),
			 SOTTO_ERR_NOT_FOUND);
	assert_int_equal(talk_group_leave(talk, unknown, 0, 0), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(talk_group_rename(talk, circle.id, BYTES_NONE, 0, 0), SOTTO_ERR_INVALID);
	assert_int_equal(talk_group_rename(talk, circle.id, BYTES_TEXT("a\nb"), 0, 0),
			 SOTTO_ERR_INVALID);
	assert_int_equal(talk_group_add(talk, circle.id, &nobody, 1, 0, 0), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(talk_group_add(talk, circle.id, &own, 1, 0, 0), SOTTO_ERR_EXISTS);
	assert_int_equal(talk_group_remove(talk, circle.id, &own, 1, 0, 0), SOTTO_ERR_INVALID);
	assert_int_equal(talk_group_remove(talk, circle.id, &nobody, 1, 0, 0), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(circle_remove(&circle, 0, PHONE(2)), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(circle_rename(&circle, 2, "Mine"), SOTTO_ERR_NOT_FOUND);
	assert_int_equal(talk_group_create(talk, BYTES_NONE, &other, 1, id, 0, 0),
			 SOTTO_ERR_INVALID);
	assert_int_equal(talk_group_create(talk, BYTES_TEXT("x"), &own, 1, id, 0, 0),
			 SOTTO_ERR_EXISTS);
	/* Who is in it already stays as he is. */
	assert_int_equal(circle_add(&circle, 0, PHONE(1)), SOTTO_OK);
	run(&circle, 10);
	assert_true(circle_holds(&circle, 0x3, "Harbour"));
	assert_int_equal(circle_discarded(&circle), 0);
	circle_end(&circle);
}

/* The phone loses its power at each store action of a group's life, and goes on where it stood. */
static uint32_t life_with_power_cuts(uint32_t victim, uint64_t actions)
{
	struct circle circle;
	struct world_phone *phone;
	uint32_t deaths;

	circle_begin(&circle, 100 + victim, 5, PHONE(1) | PHONE(2));
	phone = world_phone(circle.world, victim);
	world_die_after(phone, actions);
	(void)circle_add(&circle, 0, PHONE(3));
	(void)circle_rename(&circle, 1, "Quay");
	run(&circle, 30);
	(void)circle_remove(&circle, 2, PHONE(1));
	run(&circle, 30);
	(void)circle_leave(&circle, 2);
	run(&circle, 30);
	deaths = phone->deaths;
	world_die_after(phone, UINT64_MAX);
	/* What it was asked when it died was not asked; so it is asked again. */
	(void)circle_add(&circle, 0, PHONE(3));
	run(&circle, 30);
	(void)circle_rename(&circle, 3, "Pier");
	(void)circle_remove(&circle, 3, PHONE(1));
	(void)circle_leave(&circle, 2);
	run(&circle, 60);
	assert_true(circle_holds(&circle, 0x9, "Pier"));
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(state_of(circle.world, i), TALK_MEMBER);
	circle_end(&circle);
	return deaths;
}

static void test_power(void **state)
{
	uint32_t points = 0;

	(void)state;
	for (uint32_t victim = 0; victim < 4; victim++) {
		uint64_t action = 0;

		for (; life_with_power_cuts(victim, action) > 0; action += SPARSE(5))
			points++;
	}
	print_message("# %u points\n", points);
	assert_true(points > 100 / SPARSE(5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_what_is_shown),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_bounds_of_membership),
		cmocka_unit_test(test_delivered_without_the_removed),
		cmocka_unit_test(test_delivered_to_each),
		cmocka_unit_test(test_two_add),
		cmocka_unit_test(test_one_adds_whom_another_removes),
		cmocka_unit_test(test_both_rename),
		cmocka_unit_test(test_add_while_somebody_leaves),
		cmocka_unit_test(test_committer_is_removed),
		cmocka_unit_test(test_all_leave),
		cmocka_unit_test(test_long_away),
		cmocka_unit_test(test_revoked_goes),
		cmocka_unit_test(test_nobody_left),
		cmocka_unit_test(test_left_sleeps),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_in_vain),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
