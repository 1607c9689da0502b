#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "limits.h"

#define HEADER_BYTES 8

int control_open(struct control *control) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control"};
    control->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (control->listener < 0) return errno;
    /* One that died left its name behind; the lock on the folder says that it did. */
    unlink(address.sun_path);
    if (bind(control->listener, (struct sockaddr *)&address, sizeof address) < 0) return errno;
    return listen(control->listener, 4) < 0 ? errno : 0;
}

bool control_accept(struct control *control) {
    int agent = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (agent < 0) return false;
    control_drop(control);
    control->agent = agent;
    return true;
}

enum received control_receive(struct control *control, struct message *message) {
    static char packet[HEADER_BYTES + INPUT_BYTES];
    if (control->agent < 0) return RECEIVED_NOTHING;
    /* MSG_TRUNC gives the packet's whole length, so that one that is too long shows. */
    ssize_t count = recv(control->agent, packet, sizeof packet, MSG_TRUNC);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return RECEIVED_NOTHING;
    if (count < HEADER_BYTES || (size_t)count > sizeof packet) {
        control_drop(control);
        return RECEIVED_END;
    }
    message->order = (enum order)packet[0];
    message->stream = (uint8_t)packet[1];
    message->bytes = packet + HEADER_BYTES;
    message->length = (size_t)count - HEADER_BYTES;
    message->number = 0;
    if (message->length >= sizeof message->number) memcpy(&message->number, message->bytes, sizeof message->number);
    return RECEIVED_MESSAGE;
}

bool control_ring(struct control *control, enum bell bell, uint8_t stream, uint32_t number, uint64_t value) {
    if (control->agent < 0) return true;
    struct bell_packet packet = {.bell = (uint8_t)bell, .stream = stream, .number = number, .value = value};
    ssize_t count = send(control->agent, &packet, sizeof packet, MSG_NOSIGNAL);
    if (count == (ssize_t)sizeof packet) return true;
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    /* The connection is broken; receiving will say so as well. What was to be told stands in the files. */
    return true;
}

void control_drop(struct control *control) {
    if (control->agent >= 0) close(control->agent);
    control->agent = -1;
}
