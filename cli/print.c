/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people read. Text that came from others goes through cli_print_text, so that nobody's message or
 * name moves the cursor, changes colours, types into the terminal or turns the order of what stands there.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "cli/cli.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes of UTF-8, from first to last, that nobody but this program may send to a terminal. */
static const struct {
	unsigned char first[3];
	unsigned char last[3];
	size_t len;
} forbidden[] = {
	{{0x01}, {0x1f}, 1},			     /* C0 */
	{{0x7f}, {0x7f}, 1},			     /* DEL */
	{{0xc2, 0x80}, {0xc2, 0x9f}, 2},	     /* C1 */
	{{0xe2, 0x80, 0x8e}, {0xe2, 0x80, 0x8f}, 3}, /* marks of direction */
	{{0xe2, 0x80, 0xa8}, {0xe2, 0x80, 0xae}, 3}, /* separators; embeddings, overrides */
	{{0xe2, 0x81, 0xa6}, {0xe2, 0x81, 0xa9}, 3}, /* isolates */
};

/* The length of what is forbidden here, 0 if it is not. The text ends with 0, so nothing is overread. */
static size_t forbidden_len(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		size_t len = forbidden[i].len;

		if (strnlen(text, len) == len && memcmp(text, forbidden[i].first, len) >= 0 &&
		    memcmp(text, forbidden[i].last, len) <= 0)
			return len;
	}
	return 0;
}

void cli_put_text(FILE *out, const char *text, const char *newline)
{
	while (*text != '\0') {
		size_t len = forbidden_len(text);

		if (*text == '\n')
			fputs(newline, out);
		else if (len > 0)
			fputs(REPLACEMENT, out);
		else
			putc(*text, out);
		text += len > 0 ? len : 1;
	}
}

void cli_print_text(const char *text)
{
	cli_put_text(stdout, text, "\n    ");
}

const char *cli_text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

long long cli_number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* "2026-11-22T12:41:25.123Z" as "2026-11-22 12:41": to the minute is what people ask for. */
static void print_time(const char *time)
{
	if (strlen(time) < 16)
		return;
	printf("%.10s %.5s", time, time + 11);
}

void cli_print_nothing(const struct cli *cli, const json_t *object)
{
	(void)cli;
	(void)object;
}

static void print_story(const struct cli *cli, const json_t *story)
{
	size_t index;
	json_t *entry;

	json_array_foreach(story, index, entry) cli_print_entry(cli, entry);
}

void cli_print_member(const struct cli *cli, const json_t *object)
{
	printf("%-6s", cli_text_of(object, "extension"));
	cli_print_text(cli_text_of(object, "name"));
	printf("  (%s since ", cli_text_of(object, "state"));
	print_time(cli_text_of(object, "since"));
	if (json_is_true(json_object_get(object, "admin")))
		printf(", admin");
	if (cli_number_of(object, "devices") > 1)
		printf(", %lld devices", cli_number_of(object, "devices"));
	if (json_object_get(object, "until") != NULL) {
		printf(", until ");
		print_time(cli_text_of(object, "until"));
	}
	printf(")\n");
	print_story(cli, json_object_get(object, "story"));
}

/* What was done, by whom and when; with --verbose the head after it. */
void cli_print_entry(const struct cli *cli, const json_t *object)
{
	json_t *signers = json_object_get(object, "signed");
	size_t index;
	json_t *signer;

	printf("%4lld  ", cli_number_of(object, "index"));
	print_time(cli_text_of(object, "stated"));
	printf("  ");
	cli_print_text(cli_text_of(object, "words"));
	printf("  [");
	json_array_foreach(signers, index, signer)
		printf("%s%s", index > 0 ? ", " : "", json_string_value(signer));
	printf("]\n");
	if (cli->options.verbose)
		printf("      head %s\n", cli_text_of(object, "head"));
}

/* In quotation marks: no name of a group looks like an extension. */
static void print_group(const json_t *object)
{
	putchar('"');
	cli_print_text(cli_text_of(json_object_get(object, "group"), "name"));
	putchar('"');
}

#define NAMED_MAX 4 /* people; more are counted */

/* Of whom a message of one's own has reached, those in this state; false: none is. */
static bool print_reached(const json_t *object, const char *state, const char *words)
{
	json_t *reached = json_object_get(object, "reached");
	size_t count = 0;
	size_t printed = 0;
	size_t index;
	json_t *person;

	json_array_foreach(reached, index, person) count +=
		strcmp(cli_text_of(person, "state"), state) == 0;
	if (count == 0)
		return false;
	printf("%s ", words);
	if (count > NAMED_MAX)
		printf("%zu", count);
	json_array_foreach(reached, index, person)
	{
		if (count > NAMED_MAX || strcmp(cli_text_of(person, "state"), state) != 0)
			continue;
		printf("%s%s", printed++ > 0 ? ", " : "", cli_text_of(person, "extension"));
	}
	return true;
}

/* How far a message of one's own has come: all have it, or who has; and who has read it. */
static void print_way(const json_t *object)
{
	const char *state = cli_text_of(object, "state");
	bool delivered = strcmp(state, "delivered") == 0;
	bool group = json_object_get(object, "group") != NULL;

	printf("  [");
	/* One to one, who has read it has got it. */
	if (!delivered || group || !print_reached(object, "read", "read by")) {
		printf("%s", state);
		if (!delivered)
			(void)print_reached(object, "delivered", "; with");
		(void)print_reached(object, "read", "; read by");
	}
	putchar(']');
}

static void print_reactions(const json_t *object)
{
	json_t *reactions = json_object_get(object, "reactions");
	size_t index;
	json_t *reaction;

	json_array_foreach(reactions, index, reaction)
	{
		printf("    %s: ", cli_text_of(reaction, "from"));
		cli_print_text(cli_text_of(reaction, "reaction"));
		putchar('\n');
	}
}

/* What this phone wanted and what came to nothing; the group follows. */
static void print_vain(const char *notice, const char *subject, const char *why)
{
	const char *whom = subject[0] != '\0' ? subject : "somebody";

	if (strcmp(why, "out") == 0)
		printf("this phone is no longer in the group, so ");
	else if (strcmp(why, "gone") == 0)
		printf("the network has no device of %s any more, so ", whom);
	else
		printf("the key package of %s is broken, so ", whom);
	if (strcmp(notice, "not_named") == 0)
		printf("it gave no name to ");
	else if (strcmp(notice, "not_added") == 0)
		printf("%s is not added to ", whom);
	else
		printf("%s is not removed from ", whom);
}

/* Who did what; of a notice nothing is a text that somebody sent. */
/* It did not come here itself. */
static void print_handed(const json_t *object)
{
	if (json_is_true(json_object_get(object, "handed")))
		printf("  (from your other device)");
}

static void print_notice(const json_t *object)
{
	const char *notice = cli_text_of(object, "notice");
	const char *by = cli_text_of(object, "by");
	const char *subject = cli_text_of(object, "subject");

	print_time(cli_text_of(object, strcmp(notice, "missing") == 0 ? "until" : "at"));
	printf("  *         ");
	if (strcmp(notice, "missing") == 0) {
		printf("a stretch is missing from ");
		print_time(cli_text_of(object, "since"));
		printf(" to ");
		print_time(cli_text_of(object, "until"));
		if (json_object_get(object, "group") != NULL)
			printf(" in ");
		else
			printf(" with %s", cli_text_of(object, "with"));
	} else if (json_object_get(object, "device") != NULL) {
		printf("%s %s", by,
		       strcmp(notice, "device") == 0 ? "has a further device"
						     : "has one device less");
		if (cli_text_of(object, "device")[0] != '\0') {
			printf(": \"");
			cli_print_text(cli_text_of(object, "device"));
			putchar('"');
		}
	} else if (strcmp(notice, "branched") == 0) {
		printf("the relay showed two histories; this phone came over to the one that "
		       "stays, in ");
		if (json_object_get(object, "group") == NULL)
			printf("the conversation with %s", cli_text_of(object, "with"));
	} else if (strncmp(notice, "not_", 4) == 0) {
		print_vain(notice, subject, cli_text_of(object, "why"));
	} else {
		printf("%s %s", by[0] != '\0' ? by : "somebody", notice);
		if (strcmp(notice, "added") == 0 || strcmp(notice, "removed") == 0)
			printf(" %s %s", subject[0] != '\0' ? subject : "somebody",
			       strcmp(notice, "added") == 0 ? "to" : "from");
		putchar(' ');
	}
	if (json_object_get(object, "name") != NULL) {
		printf("%s\"", strcmp(notice, "named") == 0 ? "the group " : "");
		cli_print_text(cli_text_of(object, "name"));
		putchar('"');
	} else if (json_object_get(object, "group") != NULL) {
		if (json_object_get(object, "device") != NULL)
			printf(" in ");
		print_group(object);
	}
	print_handed(object);
	putchar('\n');
	fflush(stdout);
}

/* The first digits of the id are enough to name it. What changed is marked in front. */
void cli_print_message(const struct cli *cli, const json_t *object)
{
	const char *state = cli_text_of(object, "state");
	const char *changed = json_string_value(json_object_get(object, "changed"));

	(void)cli;
	if (json_object_get(object, "notice") != NULL) {
		print_notice(object);
		return;
	}
	if (changed != NULL)
		printf("(%s) ", changed);
	print_time(cli_text_of(object, "sent_at"));
	printf("  %.8s  %s -> %s", cli_text_of(object, "id"), cli_text_of(object, "from"),
	       cli_text_of(object, "to"));
	if (json_object_get(object, "group") != NULL)
		print_group(object);
	printf("  ");
	if (json_object_get(object, "reply_to") != NULL)
		printf("(to %.8s) ", cli_text_of(object, "reply_to"));
	if (json_is_true(json_object_get(object, "deleted")))
		printf("(deleted)");
	cli_print_text(cli_text_of(object, "text"));
	if (json_is_true(json_object_get(object, "edited")) &&
	    !json_is_true(json_object_get(object, "deleted")))
		printf(" (edited)");
	if (strcmp(state, "received") != 0)
		print_way(object);
	print_handed(object);
	putchar('\n');
	print_reactions(object);
	fflush(stdout);
}

void cli_print_receipts(const struct cli *cli, const json_t *object)
{
	(void)cli;
	printf("%s\n",
	       json_is_true(json_object_get(object, "receipts"))
		       ? "on: others see what was read here, and this phone what they have read"
		       : "off: nobody sees what was read here, nor this phone what others have "
			 "read");
}

void cli_print_sent(const struct cli *cli, const json_t *object)
{
	(void)cli;
	if (json_is_true(json_object_get(object, "held")))
		printf("queued: nothing is sent there now, see `sotto status`\n");
	else
		printf("%s\n", strcmp(cli_text_of(object, "state"), "queued") == 0
				       ? "queued: no link; it goes out by itself"
				       : cli_text_of(object, "state"));
}

void cli_print_invited(const struct cli *cli, const json_t *object)
{
	if (cli_print_proposed(cli, object))
		return;
	printf("%s\n", cli_text_of(object, "invitation"));
	if (!os_terminal_is_output())
		return;
	cli_print_qr(cli_text_of(object, "invitation"));
	printf("For %s, valid until ", cli_text_of(object, "extension"));
	print_time(cli_text_of(object, "expires"));
	printf(" UTC, once. Whoever reads it can join in this place.\n");
}

void cli_print_joined(const struct cli *cli, const json_t *object)
{
	(void)cli;
	if (strcmp(cli_text_of(object, "state"), "member") != 0) {
		printf("%s: goes on by itself, see `sotto status`\n", cli_text_of(object, "state"));
		if (json_object_get(object, "code") != NULL)
			printf("On your other phone: sotto device approve %s\n",
			       cli_text_of(object, "code"));
		return;
	}
	printf("This phone is %s in ", cli_text_of(object, "extension"));
	cli_print_text(cli_text_of(object, "network"));
	printf(".\n");
}

void cli_print_waiting(const struct cli *cli, const json_t *object)
{
	(void)cli;
	if (json_object_get(object, "code") != NULL)
		fprintf(stderr, "On your other phone: sotto device approve %s\n",
			cli_text_of(object, "code"));
	else
		fprintf(stderr, "waiting for %s\n", cli_text_of(object, "waiting_for"));
}

void cli_print_vault(const struct cli *cli, const json_t *object)
{
	(void)cli;
	printf("%s\n", cli_text_of(object, "vault"));
}

static void print_problems(const json_t *problems)
{
	size_t index;
	json_t *problem;

	json_array_foreach(problems, index, problem) printf("  ! %s\n", json_string_value(problem));
}

void cli_print_status(const struct cli *cli, const json_t *object)
{
	json_t *sandbox = json_object_get(object, "sandbox");
	size_t index;
	json_t *line;

	if (json_object_get(object, "network") == NULL) {
		cli_print_vault(cli, object);
		if (json_is_true(json_object_get(object, "connected")))
			printf("connected\n");
		return;
	}
	cli_print_text(cli_text_of(object, "network"));
	printf("\n  extension  %s (%s)\n", cli_text_of(object, "extension"),
	       cli_text_of(object, "state"));
	printf("  relay      ");
	cli_print_text(cli_text_of(object, "relay"));
	printf(" (%s)\n",
	       json_is_true(json_object_get(object, "connected")) ? "connected" : "no link");
	printf("  ledger     %lld entries, head %.16s\n", cli_number_of(object, "ledger_length"),
	       cli_text_of(object, "ledger_head"));
	printf("  messages   %lld to be sent, %lld not acknowledged\n",
	       cli_number_of(object, "queued"), cli_number_of(object, "unacknowledged"));
	if (cli_number_of(object, "admins") > 0)
		printf("  admins     %lld, of whom %lld must sign\n",
		       cli_number_of(object, "admins"), cli_number_of(object, "threshold"));
	if (json_object_get(object, "confirm_code") != NULL)
		printf("  unconfirmed: read this out to a member who knows you: %s\n",
		       cli_text_of(object, "confirm_code"));
	cli_print_running(json_object_get(object, "release"));
	print_problems(json_object_get(object, "problems"));
	if (!cli->options.verbose)
		return;
	/* The link process' words too, and it speaks to the network. */
	json_array_foreach(sandbox, index, line)
	{
		printf("  ");
		cli_print_text(json_string_value(line));
		putchar('\n');
	}
}

void cli_print_call_state(const struct cli *cli, const json_t *object)
{
	(void)cli;
	fprintf(stderr, "%s: %s\n", cli_text_of(object, "peer"), cli_text_of(object, "state"));
}

/* A reason that its own word does not say to everybody. */
static const char *reason_words(const char *reason)
{
	static const char *const words[][2] = {
		{"hung_up", "hung up"},
		{"no_voice", "a text-only phone, without a microphone"},
		{"answered_elsewhere", "answered on another phone"},
		{"unreachable", "no phone of this person said that it rings"},
		{"mismatch", "stopped: the rules of the network differ at the two ends"},
		{"revoked", "stopped: one of the two phones was taken out of the network"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(reason, words[i][0]) == 0)
			return words[i][1];
	}
	return reason;
}

void cli_print_call_end(const struct cli *cli, const json_t *object)
{
	const json_t *duration = json_object_get(object, "duration_s");

	(void)cli;
	printf("%s: %s", cli_text_of(object, "peer"), reason_words(cli_text_of(object, "reason")));
	if (json_is_real(duration))
		printf(" after %.0f s", json_real_value(duration));
	putchar('\n');
	if (!json_is_integer(json_object_get(object, "packets_sent")))
		return;
	printf("  sound     %lld packets sent, %lld received, %lld lost, %lld ms concealed\n",
	       cli_number_of(object, "packets_sent"), cli_number_of(object, "packets_received"),
	       cli_number_of(object, "packets_lost"), cli_number_of(object, "concealed_ms"));
	if (json_is_integer(json_object_get(object, "mouth_to_ear_ms")))
		printf("  delay     %lld ms from mouth to ear\n",
		       cli_number_of(object, "mouth_to_ear_ms"));
	printf("  verified  %s\n",
	       json_is_true(json_object_get(object, "verified"))
		       ? "yes: keys, members and rules are the same at both ends"
		       : "no");
}
