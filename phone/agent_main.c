/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto-agent: the process with the keys. Started by sotto-launcher alone:
 *
 *	sotto-agent --home DIR --release HASH|none|changed
 *
 * It gets the channel to the launcher and the listener of the control socket as descriptors.
 *
 *	harden -> home, VFS -> listener -> sandbox (no network, no exec, files beneath home) -> loop
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "os/descriptor.h"
#include "os/vfs.h"
#include "phone/agent_json.h"
#include "phone/log.h"

static void launched(struct agent *agent, const struct wire_launched *message, int *descriptors,
		     size_t count)
{
	if (message->process == PHONE_PROCESS_LINK && count > 0) {
		agent_link_attach(agent, descriptors[0]);
		descriptors[0] = -1;
		return;
	}
	agent_voice_launched(agent, (enum phone_process)message->process, descriptors, count);
}

static void launcher_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
			  size_t descriptors_count)
{
	struct agent *agent = context;
	struct wire_process_gone gone;
	struct wire_launched started;

	(void)ipc;
	if (wire_launched_decode(message, &started) == SOTTO_OK)
		launched(agent, &started, descriptors, descriptors_count);
	else if (wire_process_gone_decode(message, &gone) == SOTTO_OK) /* could not be started */
		agent_voice_gone(agent, (enum phone_process)gone.process);
}

static void launcher_gone(void *context, struct os_ipc *ipc)
{
	(void)ipc;
	os_loop_stop(((struct agent *)context)->loop);
}

static void signalled(void *context, int signal)
{
	(void)signal;
	os_loop_stop(((struct agent *)context)->loop);
}

static enum sotto_err prepare(struct agent *agent, const char *home)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct os_ipc_handler handler = {
		.received = launcher_said, .gone = launcher_gone, .context = agent};
	struct os_sandbox_options options = {.lock_memory = true};
	enum sotto_err err;

	TRY(crypto_init());
	TRY(os_directory_open(home, false, &agent->home));
	TRY(os_vfs_register(agent->home));
	TRY(os_loop_create(&agent->loop));
	agent->next_ticket = AGENT_TICKET_FIRST;
	agent_control_init(agent);
	agent_step_init(agent);
	TRY(agent_call_init(agent));
	TRY(os_loop_on_signals(agent->loop, signals, ARRAY_LEN(signals), signalled, agent));
	TRY(os_ipc_create(agent->loop, PHONE_AGENT_LAUNCHER_FD, &handler, &agent->launcher));
	options.directory = os_directory_path(agent->home);
	TRY(os_sandbox_enter(OS_PROFILE_AGENT, &options, &agent->sandbox));
	TRY(os_listener_create(agent->loop, PHONE_AGENT_LISTENER_FD, agent_accept, agent,
			       &agent->listener));
out:
	return err;
}

static void release(struct agent *agent)
{
	if (agent->loop == NULL)
		return;
	agent_clients_close(agent);
	if (agent->talk != NULL)
		agent_stop_engines(agent);
	vault_close(agent->vault);
	agent_link_detach(agent);
	os_listener_destroy(agent->listener);
	os_ipc_destroy(agent->launcher);
	os_vfs_unregister();
	os_directory_close(agent->home);
	os_loop_destroy(agent->loop);
}

int main(int argc, char **argv)
{
	static struct agent agent;
	enum sotto_err err;

	if (argc != 5 || strcmp(argv[1], "--home") != 0 || strcmp(argv[3], "--release") != 0 ||
	    !agent_release_set(&agent, argv[4])) {
		fprintf(stderr, "usage: sotto-agent --home DIR --release HASH (sotto-launcher "
				"starts it)\n");
		return 2;
	}
	agent_json_init();
	err = os_process_harden();
	if (err == SOTTO_OK)
		err = prepare(&agent, argv[2]);
	if (err == SOTTO_OK)
		err = os_loop_run(agent.loop);
	if (err != SOTTO_OK)
		phone_log("sotto-agent", "%s", sotto_err_text(err));
	release(&agent);
	return err == SOTTO_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
