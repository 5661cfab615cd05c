#define _GNU_SOURCE
#include "unix_socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

union continuo_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * CONTINUO_MAXIMUM_DESCRIPTORS)];
};

int continuo_send_descriptors(int socket, char byte, const int *descriptors, int count) {
    union continuo_control control;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count < 0 || count > CONTINUO_MAXIMUM_DESCRIPTORS) return EINVAL;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
    return sent == 1 ? 0 : errno;
}

int continuo_receive_descriptors(int socket, char *byte, int *descriptors, int *count) {
    union continuo_control control;
    struct iovec data = {.iov_base = byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    *count = 0;
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC); while (received < 0 && errno == EINTR);
    if (received < 0) return errno;
    if (received == 0) return ECONNRESET;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int more = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        if (more > CONTINUO_MAXIMUM_DESCRIPTORS - *count) more = CONTINUO_MAXIMUM_DESCRIPTORS - *count;
        memcpy(descriptors + *count, CMSG_DATA(header), sizeof(int) * more);
        *count += more;
    }
    if (message.msg_flags & MSG_CTRUNC) {
        for (int index = 0; index < *count; index++) close(descriptors[index]);
        *count = 0;
        return EMSGSIZE;
    }
    return 0;
}

int continuo_peer_user(int socket, unsigned int *user) {
    struct { pid_t process; uid_t user; gid_t group; } credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return errno;
    *user = credentials.user;
    return 0;
}

int continuo_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
