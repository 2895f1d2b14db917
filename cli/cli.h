/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sotto command: a thin client of the agent's control socket.
 *
 *	arguments -> options.c -> request -> agent.c (starts the agent, opens the vault) -> exchange.c -> print.c
 *
 * Exit codes: 0 done, 1 failed (the reason in words, or as {"error","message"} with --json), 2 usage.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/people.h"
#include "os/loop.h"
#include "os/terminal.h"
#include "talk/schema.h"

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

#define CLI_PATH_LEN 4096
/* `group create NAME` and as many members as a group has. */
#define CLI_POSITIONS_MAX (2 + TALK_MEMBERS_MAX)

/* What stands on the command line, behind the command's name. */
struct cli_options {
	bool json;
	bool verbose;
	const char *passphrase_file;	 /* NULL: ask on the terminal */
	const char *new_passphrase_file; /* of `sotto passphrase` */
	char home[CLI_PATH_LEN];

	const char *positions[CLI_POSITIONS_MAX];
	size_t position_count;

	const char *relay;
	const char *as;
	const char *digits;
	const char *devices;
	const char *image;
	const char *mic;
	const char *speaker;
	const char *seconds;
	bool no_wait;
	bool wait;
	bool follow;
	bool only_new;
	const char *reply;
	const char *out;
	const char *threshold;
	const char *device;
	bool yes;
	const char *csv;
	const char *sheet;
	const char *text;
};

/* What --sheet and --text are made of. */
struct cli_cards {
	json_t *list; /* NULL: none are wanted */
	int sheet;    /* the files that are written, or -1 */
	int text;
};

struct cli {
	struct os_loop *loop;
	struct cli_options options;
	const struct cli_command *command;
	bool vault_open;      /* the agent has said so */
	struct people people; /* of invite --csv */
	struct cli_cards cards;
};

/* A printer of one object for people; NULL object never. */
typedef void cli_print_fn(const struct cli *cli, const json_t *object);

struct cli_command {
	const char *name;
	const char *usage; /* behind "sotto NAME" */
	const char *words; /* one line of help */
	size_t positions_min;
	size_t positions_max;
	/* Makes the request and opens files; SOTTO_ERR_ARGUMENT: usage; otherwise it has said why. */
	enum sotto_err (*build)(struct cli *cli, json_t *request, int descriptors[2],
				size_t *count);
	cli_print_fn *item;
	cli_print_fn *done;
	/* START_LOCKED: as START, and a phone that is locked may stay so. */
	enum {
		CLI_AGENT_START,
		CLI_AGENT_START_LOCKED,
		CLI_AGENT_CREATE,
		CLI_AGENT_UNLOCK,
		CLI_AGENT_RUNNING
	} agent;
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;

/* options.c: cli's options and command, or a message and SOTTO_ERR_ARGUMENT. */
MUST_USE enum sotto_err cli_options_parse(int argc, char **argv, struct cli *cli);
void cli_help(void);

/* say.c: failures, in words and with --json as an object too. */
void cli_fail(const struct cli *cli, const char *word, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void cli_usage(const struct cli *cli, const struct cli_command *command);

/* Was a failure said? Whoever ends with 1 says why. */
bool cli_said(void);

/* A line on standard error about something that is no failure. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* resolve.c: looks a relay's name up for the agent. Says when it cannot. */
void cli_resolve(struct cli *cli, const char *name);

/* exchange.c: one command on a connection of its own. */
struct cli_result {
	bool ended;    /* a last line came */
	json_t *done;  /* the result; to be released; NULL: failed */
	json_t *error; /* {"error","message"}; to be released */
};

/* item may be NULL. Blocks. SOTTO_ERR_NOT_FOUND: no agent there; CLOSED: it went away. */
MUST_USE enum sotto_err cli_exchange(struct cli *cli, const json_t *request, const int *descriptors,
				     size_t count, cli_print_fn *item, struct cli_result *result);
void cli_result_release(struct cli_result *result);

/* agent.c: an agent that runs, with its vault open as the command needs it. Says why not. */
MUST_USE enum sotto_err cli_agent_ready(struct cli *cli);

/* passphrase.c: from a file or the terminal; says why not. twice: a new one. */
MUST_USE enum sotto_err cli_passphrase_get(const struct cli *cli, const char *file,
					   const char *prompt, bool twice,
					   struct os_passphrase *passphrase);

/* A pipe that holds it, to be read once by the agent. Says why not. */
MUST_USE enum sotto_err cli_passphrase_pipe(const struct cli *cli,
					    const struct os_passphrase *passphrase,
					    int *descriptor);

/* text.c: "-" is standard input. Says what is wrong with it. */
MUST_USE enum sotto_err cli_text_set(const struct cli *cli, json_t *request, const char *name,
				     const char *given);

/* part.c: a file, mode 0600, that comes to its place whole, or not at all. Both say why not; end closes the descriptor. */
MUST_USE enum sotto_err cli_part_open(const struct cli *cli, const char *path, int *descriptor);
MUST_USE enum sotto_err cli_part_end(const struct cli *cli, const char *path, int descriptor,
				     bool whole);

/* The same for what is printed. */
MUST_USE enum sotto_err cli_output_begin(const struct cli *cli, const char *path, int *before);
MUST_USE enum sotto_err cli_output_end(const struct cli *cli, const char *path, int before,
				       bool whole);

/* is_number of 1 to 5 digits: such a word is an extension, and never a group. */
bool cli_is_extension(const char *text);
/* Tells why not. */
MUST_USE enum sotto_err cli_check_extension(const struct cli *cli, const char *text);
/* Left out is what is not UTF-8: the agent then says what is missing. */
void cli_set_text(json_t *request, const char *name, const char *text);

/* What stands behind `sotto group` or `sotto device`. */
struct cli_verb {
	const char *name;
	const char *command; /* of the control socket */
	const char *usage;
	size_t words_min, words_max; /* behind the verb */
	const char *first;	     /* the argument that the first word is; NULL: none */
	enum sotto_err (*build)(struct cli *cli, json_t *request); /* the rest; NULL: nothing */
};
MUST_USE enum sotto_err cli_verb_build(struct cli *cli, json_t *request,
				       const struct cli_verb *verbs, size_t count);

/* group.c: the words behind `group`, and what comes of them. */
MUST_USE enum sotto_err cli_group_build(struct cli *cli, json_t *request, int descriptors[2],
					size_t *count);
cli_print_fn cli_print_group_item, cli_print_group;

/* invite.c */
MUST_USE enum sotto_err cli_invite_build(struct cli *cli, json_t *request, int descriptors[2],
					 size_t *count);
cli_print_fn cli_print_invite_item, cli_print_invite;
/* An item that says why somebody of the list cannot be invited was told with its line; false: it is none. */
bool cli_invite_refused(const struct cli *cli, const json_t *object);

/*
 * cards.c: --sheet and --text, whose files are opened before anything is asked. take: an object that is a card.
 * end: done is NULL if it failed, and then there are no files. All say why not.
 */
MUST_USE enum sotto_err cli_cards_begin(struct cli *cli);
void cli_cards_take(const struct cli *cli, const json_t *object);
MUST_USE enum sotto_err cli_cards_end(struct cli *cli, const json_t *done);
/* sheet.c: the cards as PDF, by sotto-cards. */
MUST_USE enum sotto_err cli_sheet_find(const struct cli *cli);
MUST_USE enum sotto_err cli_sheet_make(struct cli *cli);

/* device.c: likewise behind `device` */
MUST_USE enum sotto_err cli_device_build(struct cli *cli, json_t *request, int descriptors[2],
					 size_t *count);
cli_print_fn cli_print_device_item, cli_print_device;

/* admin.c: what admins propose and sign. */
MUST_USE enum sotto_err cli_proposal_build(struct cli *cli, json_t *request, int descriptors[2],
					   size_t *count);
MUST_USE enum sotto_err cli_admin_build(struct cli *cli, json_t *request, int descriptors[2],
					size_t *count);
MUST_USE enum sotto_err cli_confirm_build(struct cli *cli, json_t *request, int descriptors[2],
					  size_t *count);
/* A code that was typed in one word or in several, from this position on. Says what is wrong with it. */
MUST_USE enum sotto_err cli_set_code(const struct cli *cli, json_t *request, const char *name,
				     size_t first);
/* Shows what is to be signed and asks whether it is meant. Of other commands nothing. Says why not. */
MUST_USE enum sotto_err cli_admin_ask(struct cli *cli, const json_t *request);
cli_print_fn cli_print_proposal, cli_print_decided, cli_print_admin, cli_print_admins,
	cli_print_state_of;
/* What was wanted is proposed: says so. */
bool cli_print_proposed(const struct cli *cli, const json_t *object);

/* policy.c */
MUST_USE enum sotto_err cli_policy_build(struct cli *cli, json_t *request, int descriptors[2],
					 size_t *count);
cli_print_fn cli_print_policy;

/* release.c: verify-release and name-release, what comes of it, and the line of `status` about what this phone runs. */
MUST_USE enum sotto_err cli_release_build(struct cli *cli, json_t *request, int descriptors[2],
					  size_t *count);
cli_print_fn cli_print_release;
void cli_print_running(const json_t *release);

/* main.c: an object on a line of its own. */
void cli_print_json(const json_t *object);

/* print.c: text from others is shown without what a terminal would obey. */
void cli_print_text(const char *text);
const char *cli_text_of(const json_t *object, const char *name);
long long cli_number_of(const json_t *object, const char *name);
void cli_put_text(FILE *out, const char *text, const char *newline);
cli_print_fn cli_print_nothing, cli_print_member, cli_print_entry, cli_print_status,
	cli_print_message, cli_print_sent, cli_print_invited, cli_print_joined, cli_print_waiting,
	cli_print_call_state, cli_print_call_end, cli_print_vault, cli_print_receipts;

/* qr.c: on a terminal only. */
void cli_print_qr(const char *text);

/* image.c: the invitation in a picture (PNG or JPEG); to be freed. Says why not. */
MUST_USE enum sotto_err cli_image_read(const struct cli *cli, const char *path, char **text);

#endif
