# The handler of SIGBUS whose bytes are in sigbus-handler-x64.ts. To make them anew:
#   as -o h.o sigbus-handler-x64.s && objcopy -O binary -j .text h.o h.bin && xxd -p -c 16 h.bin
#
# void handler(int signal /* edi */, siginfo_t *info /* rsi */, void *context /* rdx */)
#
# It must run at any moment in any thread, so it calls nothing but the kernel. It is position independent; the table lies
# one page (4096 bytes) behind its first byte:
#   0   u64  faults that were mended, in all
#   8   u64  the handler that was there before; 0 or 1: none
#   16  u64  entries that follow
#   32  entries of 32 bytes: u64 first address, u64 address behind the last, u64 bytes of a page, u64 faults mended here
#
# Registers need not be kept: the kernel restores them all when the handler returns.

        .intel_syntax noprefix
        .text
handler:
        lea     r8, [rip + handler + 4096]
        mov     eax, [rsi + 8]                  # si_code: <= 0 was sent by somebody, and has no address
        test    eax, eax
        jle     not_ours
        mov     rax, [rsi + 16]                 # si_addr
        mov     rcx, [r8 + 16]
        lea     r9, [r8 + 32]
next:
        test    rcx, rcx
        jz      not_ours
        cmp     rax, [r9]
        jb      skip
        cmp     rax, [r9 + 8]
        jb      ours
skip:
        add     r9, 32
        dec     rcx
        jmp     next

ours:                                           # a page of zeros instead of the one that vanished
        lock inc qword ptr [r9 + 24]
        lock inc qword ptr [r8]
        mov     rsi, [r9 + 16]
        mov     rdi, rsi
        neg     rdi
        and     rdi, rax
        mov     rbx, rdi
        mov     edx, 3                          # PROT_READ | PROT_WRITE
        mov     r10d, 0x32                      # MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
        mov     r8, -1
        xor     r9d, r9d
        mov     eax, 9                          # mmap
        syscall
        cmp     rax, rbx
        jne     default
        ret

not_ours:
        mov     r9, [r8 + 8]
        cmp     r9, 1
        jbe     default
        jmp     r9

default:                                        # as if there were no handler: the access is made again, and ends the process
        xor     eax, eax
        push    rax
        push    rax
        push    rax
        push    rax
        mov     rsi, rsp                        # struct kernel_sigaction, all zero: SIG_DFL
        mov     edi, 7                          # SIGBUS
        xor     edx, edx
        mov     r10d, 8
        mov     eax, 13                         # rt_sigaction
        syscall
        add     rsp, 32
        ret
