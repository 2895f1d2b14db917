/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto-launcher: starts a phone's processes and nothing else. It has no keys, and reads nothing but what is
 * installed beside it, for the agent may not, and which process its agent wants.
 *
 *	sotto-launcher --home DIR       DIR/control is the control socket that the agent accepts on
 *
 *	home, lock, listener -> which release this is -> sandbox -> agent, link -> loop
 *
 * Link is started again when it ends by itself (os/backoff.h). That a voice process or ringer has ended, the
 * agent sees by its channel; it is told only that one could not be started. When the agent ends, everything
 * ends: without it there are no keys to serve. Voice is started on a key press only, which the agent vouches
 * for.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/hex.h"
#include "os/backoff.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/lines.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "phone/log.h"
#include "phone/processes.h"
#include "release/installed.h"
#include "wire/wire.h"

#define CHANNELS_MAX 2
#define GOODBYE_NS   UINT64_C(500000000)

struct launcher;

struct child {
	struct launcher *launcher;
	struct os_process *process; /* NULL: does not run */
	bool again;		    /* asked for while the one before was still ending */
};

struct launcher {
	struct os_loop *loop;
	struct os_directory *home;
	struct os_process *agent_process;
	struct os_ipc *agent;
	struct child children[PHONE_PROCESSES];
	struct os_backoff link_backoff;
	struct os_timer link_timer;
	struct os_timer end_timer;
	bool ending;				/* the agent is gone */
	char release[2 * RELEASE_HASH_LEN + 1]; /* a hash, or a word of phone/processes.h */
	char agent_path[OS_PROCESS_PATH_LEN];
	char paths[PHONE_PROCESSES][OS_PROCESS_PATH_LEN]; /* "": this build has no such program */
	int status;
};

static const char *const names[PHONE_PROCESSES] = {
	[PHONE_PROCESS_VOICE] = "sotto-voice",
	[PHONE_PROCESS_RINGER] = "sotto-ringer",
	[PHONE_PROCESS_LINK] = "sotto-link",
};

static void tell(struct launcher *launcher, const struct wire_type *type, const void *message,
		 const int *descriptors, size_t count)
{
	struct writer writer;

	writer_init_growing(&writer, &allocator_default);
	if (wire_encode(type, message, &writer) == SOTTO_OK)
		(void)!os_ipc_send(launcher->agent, writer_bytes(&writer), descriptors, count);
	writer_release(&writer);
}

static void tell_gone(struct launcher *launcher, enum phone_process which)
{
	struct wire_process_gone gone = {.process = (uint8_t)which};

	tell(launcher, &wire_process_gone_type, &gone, NULL, 0);
}

static bool children_run(const struct launcher *launcher)
{
	for (size_t i = 0; i < PHONE_PROCESSES; i++) {
		if (launcher->children[i].process != NULL)
			return true;
	}
	return false;
}

static void start_asked(struct launcher *launcher, enum phone_process which);

static void child_ended(void *context, struct os_process *process, struct os_process_end end)
{
	struct child *child = context;
	struct launcher *launcher = child->launcher;
	enum phone_process which = (enum phone_process)(child - launcher->children);

	phone_log("sotto-launcher", "%s ended: %s %d", names[which],
		  end.signal != 0 ? "signal" : "status", end.signal != 0 ? end.signal : end.status);
	os_process_destroy(process);
	child->process = NULL;
	if (launcher->ending) {
		if (!children_run(launcher))
			os_loop_stop(launcher->loop);
		return;
	}
	if (child->again)
		start_asked(launcher, which);
	if (which == PHONE_PROCESS_LINK)
		os_loop_set_timer(
			launcher->loop, &launcher->link_timer,
			os_backoff_ended(&launcher->link_backoff, os_loop_now_ns(launcher->loop)));
}

/* What a sound library needs to find its server; nobody else gets an environment. */
static size_t sound_environment(const char *environment[8], char text[6][256])
{
	static const char *const wanted[] = {
		"XDG_RUNTIME_DIR", "PIPEWIRE_RUNTIME_DIR", "PIPEWIRE_REMOTE", "HOME", "LANG",
		"SOTTO_AUDIO"};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const char *value = getenv(wanted[i]);
		int len;

		if (value == NULL)
			continue;
		len = snprintf(text[count], sizeof(text[count]), "%s=%s", wanted[i], value);
		if (len < 0 || (size_t)len >= sizeof(text[count]))
			continue;
		environment[count] = text[count];
		count++;
	}
	environment[count] = NULL;
	return count;
}

/*
 * Starts one with its channels. The far ends go to the agent: [0] to the process itself, and for voice
 * [1], the link process' end of the media channel.
 */
static enum sotto_err start_child(struct launcher *launcher, enum phone_process which)
{
	struct child *child = &launcher->children[which];
	size_t channels = which == PHONE_PROCESS_VOICE ? 2 : 1;
	struct wire_launched launched = {.process = (uint8_t)which};
	int descriptors[OS_PROCESS_DESCRIPTOR_FIRST + CHANNELS_MAX] = {-1, 1, 2, -1, -1};
	int far_ends[CHANNELS_MAX] = {-1, -1};
	char text[6][256];
	const char *environment[8] = {NULL};
	struct os_process_spec spec = {
		.path = launcher->paths[which],
		.environment = environment,
		.descriptors = descriptors,
		.descriptors_count = OS_PROCESS_DESCRIPTOR_FIRST + channels,
		.dies_with_us = true,
	};
	enum sotto_err err;

	FAIL_IF(child->process != NULL, SOTTO_ERR_EXISTS);
	FAIL_IF(launcher->paths[which][0] == '\0', SOTTO_ERR_UNSUPPORTED);
	if (which != PHONE_PROCESS_LINK)
		(void)sound_environment(environment, text);
	for (size_t i = 0; i < channels; i++) {
		int ends[2];

		TRY(os_ipc_pair(ends));
		far_ends[i] = ends[0];
		descriptors[OS_PROCESS_DESCRIPTOR_FIRST + i] = ends[1];
	}
	TRY(os_process_spawn(launcher->loop, &spec, child_ended, child, &child->process));
	tell(launcher, &wire_launched_type, &launched, far_ends, channels);
out:
	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		os_descriptor_close(far_ends[i]);
		os_descriptor_close(descriptors[OS_PROCESS_DESCRIPTOR_FIRST + i]);
	}
	return err;
}

static void link_due(struct os_timer *timer, uint64_t now_ns)
{
	struct launcher *launcher = CONTAINER_OF(timer, struct launcher, link_timer);

	os_backoff_started(&launcher->link_backoff, now_ns);
	if (start_child(launcher, PHONE_PROCESS_LINK) != SOTTO_OK)
		os_loop_set_timer(launcher->loop, timer,
				  os_backoff_ended(&launcher->link_backoff, now_ns));
}

/* A call soon after another: its voice process waits until the one before has let go of the sound device. */
static void start_asked(struct launcher *launcher, enum phone_process which)
{
	struct child *child = &launcher->children[which];

	child->again = child->process != NULL;
	if (!child->again && start_child(launcher, which) != SOTTO_OK)
		tell_gone(launcher, which);
}

static void agent_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		       size_t descriptors_count)
{
	struct launcher *launcher = context;
	struct wire_launch launch;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (wire_launch_decode(message, &launch) != SOTTO_OK)
		return;
	if (launch.process != PHONE_PROCESS_VOICE && launch.process != PHONE_PROCESS_RINGER)
		return;
	start_asked(launcher, (enum phone_process)launch.process);
}

/* The agent's end is everybody's: they notice it themselves, and get a moment to say goodbye. */
static void begin_end(struct launcher *launcher)
{
	launcher->ending = true;
	os_loop_set_timer(launcher->loop, &launcher->link_timer, OS_NEVER);
	os_loop_set_timer(launcher->loop, &launcher->end_timer,
			  os_loop_now_ns(launcher->loop) + GOODBYE_NS);
	if (!children_run(launcher))
		os_loop_stop(launcher->loop);
}

static void end_due(struct os_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	os_loop_stop(CONTAINER_OF(timer, struct launcher, end_timer)->loop);
}

static void agent_closed(void *context, struct os_ipc *ipc)
{
	(void)ipc;
	begin_end(context);
}

static void agent_ended(void *context, struct os_process *process, struct os_process_end end)
{
	struct launcher *launcher = context;

	os_process_destroy(process);
	launcher->agent_process = NULL;
	launcher->status = end.status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	begin_end(launcher);
}

static void signalled(void *context, int signal)
{
	(void)signal;
	os_loop_stop(((struct launcher *)context)->loop);
}

static enum sotto_err start_agent(struct launcher *launcher, int listener)
{
	struct os_ipc_handler handler = {
		.received = agent_said, .gone = agent_closed, .context = launcher};
	const char *arguments[] = {"--home", os_directory_path(launcher->home), "--release",
				   launcher->release, NULL};
	int descriptors[] = {-1, 1, 2, -1, listener};
	struct os_process_spec spec = {
		.path = launcher->agent_path,
		.arguments = arguments,
		.descriptors = descriptors,
		.descriptors_count = ARRAY_LEN(descriptors),
		.dies_with_us = true,
	};
	int ends[2] = {-1, -1};
	enum sotto_err err;

	TRY(os_ipc_pair(ends));
	descriptors[PHONE_AGENT_LAUNCHER_FD] = ends[1];
	TRY(os_process_spawn(launcher->loop, &spec, agent_ended, launcher,
			     &launcher->agent_process));
	TRY(os_ipc_create(launcher->loop, ends[0], &handler, &launcher->agent));
	ends[0] = -1;
out:
	os_descriptor_close(ends[0]);
	os_descriptor_close(ends[1]);
	return err;
}

static enum sotto_err find_programs(struct launcher *launcher)
{
	enum sotto_err err;

	TRY(os_process_find("sotto-agent", launcher->agent_path));
	TRY(os_process_find(names[PHONE_PROCESS_LINK], launcher->paths[PHONE_PROCESS_LINK]));
	for (int which = PHONE_PROCESS_VOICE; which <= PHONE_PROCESS_RINGER; which++) {
		/* A text-only build has neither. */
		if (os_process_find(names[which], launcher->paths[which]) != SOTTO_OK)
			launcher->paths[which][0] = '\0';
	}
out:
	return err;
}

/* Of what is there when the phone starts: what is replaced afterwards is another phone's, after the next start. */
static void find_release(struct launcher *launcher)
{
	static char prefix[OS_PROCESS_PATH_LEN];
	char differs[RELEASE_PATH_MAX + 1];
	uint8_t hash[RELEASE_HASH_LEN];
	enum sotto_err err = os_process_prefix(prefix);

	if (err == SOTTO_OK)
		err = release_installed(prefix, differs, hash);
	if (err == SOTTO_OK) {
		hex_encode(BYTES_OF(hash), launcher->release);
		return;
	}
	strcpy(launcher->release,
	       err == SOTTO_ERR_NOT_FOUND ? PHONE_RELEASE_NONE : PHONE_RELEASE_CHANGED);
	if (err != SOTTO_ERR_NOT_FOUND)
		phone_log("sotto-launcher", "not as its manifest says: %s",
			  err == SOTTO_ERR_VERIFY ? differs : sotto_err_text(err));
}

static enum sotto_err prepare(struct launcher *launcher, const char *home)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct os_sandbox_options options = {.directory = NULL};
	struct os_sandbox sandbox;
	char path[OS_PROCESS_PATH_LEN];
	int listener = -1;
	enum sotto_err err;
	int len;

	TRY(find_programs(launcher));
	TRY(os_directory_open(home, true, &launcher->home));
	TRY(os_directory_lock(launcher->home));
	len = snprintf(path, sizeof(path), "%s/%s", os_directory_path(launcher->home),
		       PHONE_CONTROL_NAME);
	FAIL_IF(len < 0 || (size_t)len >= sizeof(path), SOTTO_ERR_LIMIT);
	TRY(os_listener_open(path, &listener));
	TRY(os_loop_create(&launcher->loop));
	TRY(os_loop_on_signals(launcher->loop, signals, ARRAY_LEN(signals), signalled, launcher));
	find_release(launcher);
	TRY(os_sandbox_enter(OS_PROFILE_LAUNCHER, &options, &sandbox));
	os_timer_init(&launcher->link_timer, link_due);
	os_timer_init(&launcher->end_timer, end_due);
	for (size_t i = 0; i < PHONE_PROCESSES; i++)
		launcher->children[i].launcher = launcher;
	TRY(start_agent(launcher, listener));
	os_loop_set_timer(launcher->loop, &launcher->link_timer, 0);
out:
	os_descriptor_close(listener);
	return err;
}

static void release(struct launcher *launcher)
{
	os_ipc_destroy(launcher->agent);
	os_process_destroy(launcher->agent_process);
	for (size_t i = 0; i < PHONE_PROCESSES; i++)
		os_process_destroy(launcher->children[i].process);
	os_directory_close(launcher->home);
	os_loop_destroy(launcher->loop);
}

/* Asked before anything is opened, which would get the number: is there a pipe of a command that waits? */
static bool somebody_waits(void)
{
	struct stat status;

	return fstat(PHONE_LAUNCHER_READY_FD, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* The command that started us waits for one line. Nobody waits when systemd started us. */
static void say(enum sotto_err err)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "%d %s\n", (int)err, sotto_err_text(err));

	if (len > 0)
		(void)!os_descriptor_write_at(PHONE_LAUNCHER_READY_FD, UINT64_MAX,
					      BYTES(line, (size_t)len));
	os_descriptor_close(PHONE_LAUNCHER_READY_FD);
}

int main(int argc, char **argv)
{
	static struct launcher launcher;
	bool waits = somebody_waits();
	enum sotto_err err;

	if (argc != 3 || strcmp(argv[1], "--home") != 0) {
		fprintf(stderr, "usage: sotto-launcher --home DIR\n");
		return 2;
	}
	err = os_process_harden();
	if (err == SOTTO_OK)
		err = prepare(&launcher, argv[2]);
	if (waits)
		say(err);
	if (err == SOTTO_OK)
		err = os_loop_run(launcher.loop);
	else
		fprintf(stderr, "sotto-launcher: %s: %s\n", argv[2], sotto_err_text(err));
	release(&launcher);
	return err == SOTTO_OK ? launcher.status : EXIT_FAILURE;
}
