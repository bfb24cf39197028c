"""Whole programs in NumPy, of the kinds that public collections of benchmarks have.

``python benches/programs.py [name ...] [--numba] [--seconds 0.5]``: each is run by plain Python, by
`lazy.jit` and, where asked for and where it compiles, by numba; results and changed arguments are compared
first. Least times, the peers in turn; what is shown is a peer's time over lazy's.
"""

# Programs as users write them, without annotations.
# mypy: ignore-errors

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import lazy

PROGRAMS: dict[str, tuple[Callable[..., Any], Callable[[np.random.Generator], tuple[Any, ...]]]] = {}


def program(make: Callable[[np.random.Generator], tuple[Any, ...]]) -> Callable[[Any], Any]:
    """Registers a program with what makes its arguments."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS[function.__name__] = (function, make)
        return function

    return register


# -- stencils ----------------------------------------------------------------------------------------


@program(lambda r: (60, r.random(2000), r.random(2000)))
def jacobi_1d(steps, A, B):
    for _ in range(1, steps):
        B[1:-1] = 0.33333 * (A[:-2] + A[1:-1] + A[2:])
        A[1:-1] = 0.33333 * (B[:-2] + B[1:-1] + B[2:])


@program(lambda r: (40, r.random((150, 150)), r.random((150, 150))))
def jacobi_2d(steps, A, B):
    for _ in range(1, steps):
        B[1:-1, 1:-1] = 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.2 * (B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])


@program(lambda r: (20, r.random((25, 25, 25)), r.random((25, 25, 25))))
def heat_3d(steps, A, B):
    inner = slice(1, -1)
    for _ in range(1, steps):
        B[inner, inner, inner] = (
            0.125 * (A[2:, 1:-1, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[:-2, 1:-1, 1:-1])
            + 0.125 * (A[1:-1, 2:, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, :-2, 1:-1])
            + 0.125 * (A[1:-1, 1:-1, 2:] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, 1:-1, :-2])
            + A[1:-1, 1:-1, 1:-1]
        )
        A[inner, inner, inner] = (
            0.125 * (B[2:, 1:-1, 1:-1] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[:-2, 1:-1, 1:-1])
            + 0.125 * (B[1:-1, 2:, 1:-1] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[1:-1, :-2, 1:-1])
            + 0.125 * (B[1:-1, 1:-1, 2:] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[1:-1, 1:-1, :-2])
            + B[1:-1, 1:-1, 1:-1]
        )


@program(lambda r: (20, r.random((100, 120)), r.random((100, 120)), r.random((100, 120)), r.random(20)))
def fdtd_2d(steps, ex, ey, hz, source):
    for t in range(steps):
        ey[0, :] = source[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])


@program(lambda r: (10, r.random((60, 60))))
def seidel_2d(steps, A):
    n = A.shape[0]
    for _ in range(steps - 1):
        for i in range(1, n - 1):
            A[i, 1:-1] += (
                A[i - 1, :-2]
                + A[i - 1, 1:-1]
                + A[i - 1, 2:]
                + A[i, 2:]
                + A[i + 1, :-2]
                + A[i + 1, 1:-1]
                + A[i + 1, 2:]
            )
            for j in range(1, n - 1):
                A[i, j] += A[i, j - 1]
                A[i, j] /= 9.0


@program(lambda r: (5, 40, r.random((40, 40))))
def adi(steps, n, u):
    v, p, q = np.empty_like(u), np.empty_like(u), np.empty_like(u)
    dx, dt = 1.0 / n, 1.0 / steps
    mul1, mul2 = 2.0 * dt / dx**2, dt / dx**2
    a, b, d, e = -mul1 / 2.0, 1.0 + mul1, -mul2 / 2.0, 1.0 + mul2
    for _ in range(1, steps + 1):
        v[0, 1:-1] = 1.0
        p[1:-1, 0] = 0.0
        q[1:-1, 0] = v[0, 1:-1]
        for j in range(1, n - 1):
            p[1:-1, j] = -a / (a * p[1:-1, j - 1] + b)
            q[1:-1, j] = (
                -d * u[j, :-2] + (1.0 + 2.0 * d) * u[j, 1:-1] - d * u[j, 2:] - a * q[1:-1, j - 1]
            ) / (a * p[1:-1, j - 1] + b)
        v[-1, 1:-1] = 1.0
        for j in range(n - 2, 0, -1):
            v[j, 1:-1] = p[1:-1, j] * v[j + 1, 1:-1] + q[1:-1, j]
        u[1:-1, 0] = 1.0
        p[1:-1, 0] = 0.0
        q[1:-1, 0] = u[1:-1, 0]
        for j in range(1, n - 1):
            p[1:-1, j] = -d / (d * p[1:-1, j - 1] + e)
            q[1:-1, j] = (
                -a * v[:-2, j] + (1.0 + 2.0 * a) * v[1:-1, j] - a * v[2:, j] - d * q[1:-1, j - 1]
            ) / (d * p[1:-1, j - 1] + e)
        u[1:-1, -1] = 1.0
        for j in range(n - 2, 0, -1):
            u[1:-1, j] = p[1:-1, j] * u[1:-1, j + 1] + q[1:-1, j]


@program(lambda r: (r.random((68, 68, 40)), np.empty((64, 64, 40)), r.random((64, 64, 40))))
def horizontal_diffusion(inp, out, coefficient):
    n, m = out.shape[0], out.shape[1]
    lap = 4.0 * inp[1 : n + 3, 1 : m + 3] - (
        inp[2 : n + 4, 1 : m + 3]
        + inp[: n + 2, 1 : m + 3]
        + inp[1 : n + 3, 2 : m + 4]
        + inp[1 : n + 3, : m + 2]
    )
    res = lap[1:, 1 : m + 1] - lap[:-1, 1 : m + 1]
    flx = np.where(res * (inp[2 : n + 3, 2 : m + 2] - inp[1 : n + 2, 2 : m + 2]) > 0, 0, res)
    res = lap[1 : n + 1, 1:] - lap[1 : n + 1, :-1]
    fly = np.where(res * (inp[2 : n + 2, 2 : m + 3] - inp[2 : n + 2, 1 : m + 2]) > 0, 0, res)
    out[:, :, :] = inp[2 : n + 2, 2 : m + 2] - coefficient * (flx[1:] - flx[:-1] + fly[:, 1:] - fly[:, :-1])


@program(
    lambda r: (r.random((40, 40, 60)), r.random((40, 40, 60)), r.random((41, 40, 60)), r.random((40, 40, 60)))
)
def vertical_advection(u_stage, u_pos, wcon, utens):
    K = u_stage.shape[2]
    c, d = np.empty_like(u_stage), np.empty_like(u_stage)
    out = np.empty_like(u_stage)
    w = 0.25 * (wcon[1:] + wcon[:-1])
    c[:, :, 0] = w[:, :, 1] * 0.5
    b = 10.0 - c[:, :, 0]
    d[:, :, 0] = (
        10.0 * u_pos[:, :, 0] + utens[:, :, 0] - w[:, :, 1] * (u_stage[:, :, 1] - u_stage[:, :, 0])
    ) / b
    c[:, :, 0] /= b
    for k in range(1, K - 1):
        a, up = -w[:, :, k] * 0.5, w[:, :, k + 1] * 0.5
        b = 10.0 - a - up
        change = -a * (u_stage[:, :, k - 1] - u_stage[:, :, k]) - up * (
            u_stage[:, :, k + 1] - u_stage[:, :, k]
        )
        divided = 1.0 / (b - c[:, :, k - 1] * a)
        c[:, :, k] = up * divided
        d[:, :, k] = (10.0 * u_pos[:, :, k] + utens[:, :, k] + change - d[:, :, k - 1] * a) * divided
    a = -w[:, :, K - 1] * 0.5
    b = 10.0 - a
    change = -a * (u_stage[:, :, K - 2] - u_stage[:, :, K - 1])
    divided = 1.0 / (b - c[:, :, K - 2] * a)
    data = (10.0 * u_pos[:, :, K - 1] + utens[:, :, K - 1] + change - d[:, :, K - 2] * a) * divided
    out[:, :, K - 1] = 0.1 * (data - u_pos[:, :, K - 1])
    for k in range(K - 2, -1, -1):
        data = d[:, :, k] - c[:, :, k] * data
        out[:, :, k] = 0.1 * (data - u_pos[:, :, k])
    return out


def pressure_poisson(p, dx, dy, b, iterations):
    pn = np.empty_like(p)
    for _ in range(iterations):
        pn[:] = p
        p[1:-1, 1:-1] = ((pn[1:-1, 2:] + pn[1:-1, :-2]) * dy**2 + (pn[2:, 1:-1] + pn[:-2, 1:-1]) * dx**2) / (
            2 * (dx**2 + dy**2)
        ) - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1]
        p[:, -1] = p[:, -2]
        p[0, :] = p[1, :]
        p[:, 0] = p[:, 1]
        p[-1, :] = 0


@program(
    lambda r: (
        8,
        15,
        np.zeros((61, 61)),
        np.zeros((61, 61)),
        np.zeros((61, 61)),
        0.001,
        2 / 60,
        2 / 60,
        1.0,
        0.1,
    )
)
def cavity_flow(steps, iterations, u, v, p, dt, dx, dy, rho, nu):
    b = np.zeros_like(p)
    for _ in range(steps):
        un, vn = u.copy(), v.copy()
        ux, vy = (u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx), (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dy)
        cross = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dy) * (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dx)
        b[1:-1, 1:-1] = rho * (1 / dt * (ux + vy) - ux**2 - 2 * cross - vy**2)
        pressure_poisson(p, dx, dy, b, iterations)
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[:-2, 1:-1])
            - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, :-2])
            + nu * dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[:-2, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dy * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
            - dt / (2 * rho * dy) * (p[2:, 1:-1] - p[:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, :-2])
            + nu * dt / dy**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[:-2, 1:-1])
        )
        u[0, :], u[:, 0], u[:, -1], u[-1, :] = 0, 0, 0, 1
        v[0, :], v[-1, :], v[:, 0], v[:, -1] = 0, 0, 0, 0


@program(lambda r: (30, np.pad(np.full((20, 20), 0.25), 30), np.pad(np.full((20, 20), 0.5), 30)))
def grayscott(steps, U, V):
    u, v = U[1:-1, 1:-1], V[1:-1, 1:-1]
    for _ in range(steps):
        Lu = U[:-2, 1:-1] + U[1:-1, :-2] - 4 * U[1:-1, 1:-1] + U[1:-1, 2:] + U[2:, 1:-1]
        Lv = V[:-2, 1:-1] + V[1:-1, :-2] - 4 * V[1:-1, 1:-1] + V[1:-1, 2:] + V[2:, 1:-1]
        uvv = u * v * v
        u += 0.16 * Lu - uvv + 0.06 * (1 - u)
        v += 0.08 * Lv + uvv - 0.122 * v
    return V


@program(lambda r: (r.random((200, 200)), 0.1, 20))
def wave(u, c, steps):
    old = u.copy()
    for _ in range(steps):
        new = np.zeros_like(u)
        new[1:-1, 1:-1] = (
            2 * u[1:-1, 1:-1]
            - old[1:-1, 1:-1]
            + c * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1])
        )
        old, u = u, new
    return u


# -- linear algebra ----------------------------------------------------------------------------------


@program(lambda r: (r.random((300, 250)), r.random(250)))
def atax(A, x):
    return (A @ x) @ A


@program(lambda r: (r.random((300, 250)), r.random(250), r.random(300)))
def bicg(A, p, s):
    return s @ A, A @ p


def positive(r, n):
    A = r.random((n, n))
    return A @ A.T + n * np.eye(n)


@program(lambda r: (positive(r, 60),))
def cholesky(A):
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])


@program(lambda r: (positive(r, 60),))
def lu(A):
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= A[i, :i] @ A[:i, j]


@program(lambda r: (positive(r, 60), r.random(60)))
def ludcmp(A, b):
    x, y = np.zeros_like(b), np.zeros_like(b)
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            A[i, j] -= A[i, :i] @ A[:i, j]
    for i in range(n):
        y[i] = b[i] - A[i, :i] @ y[:i]
    for i in range(n - 1, -1, -1):
        x[i] = (y[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x, y


@program(lambda r: (positive(r, 200), np.zeros(200), r.random(200)))
def trisolv(L, x, b):
    for i in range(x.shape[0]):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]


@program(lambda r: (r.random(200),))
def durbin(r):
    y = np.empty_like(r)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


@program(lambda r: (r.random((60, 50)),))
def gramschmidt(A):
    Q, R = np.zeros_like(A), np.zeros((A.shape[1], A.shape[1]))
    for k in range(A.shape[1]):
        R[k, k] = np.sqrt(np.dot(A[:, k], A[:, k]))
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, A.shape[1]):
            R[k, j] = np.dot(Q[:, k], A[:, j])
            A[:, j] -= Q[:, k] * R[k, j]
    return Q, R


@program(lambda r: (1.5, 1.2, r.random((80, 80)), r.random((80, 60)), r.random((80, 60))))
def syr2k(alpha, beta, C, A, B):
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += A[: i + 1, k] * alpha * B[i, k] + B[: i + 1, k] * alpha * A[i, k]


@program(lambda r: (1.5, 1.2, r.random((80, 80)), r.random((80, 60))))
def syrk(alpha, beta, C, A):
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += alpha * A[i, k] * A[: i + 1, k]


@program(lambda r: (1.5, 1.2, r.random((60, 70)), r.random((60, 60)), r.random((60, 70))))
def symm(alpha, beta, C, A, B):
    temp = np.empty(C.shape[1])
    C *= beta
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            C[:i, j] += alpha * B[i, j] * A[i, :i]
            temp[j] = B[:i, j] @ A[i, :i]
        C[i, :] += alpha * B[i, :] * A[i, i] + alpha * temp


@program(lambda r: (1.5, r.random((60, 60)), r.random((60, 70))))
def trmm(alpha, A, B):
    for i in range(B.shape[0]):
        for j in range(B.shape[1]):
            B[i, j] += np.dot(A[i + 1 :, i], B[i + 1 :, j])
    B *= alpha


@program(lambda r: (r.random((200, 120)),))
def covariance(data):
    mean = np.mean(data, axis=0)
    data -= mean
    cov = np.zeros((data.shape[1], data.shape[1]))
    for i in range(data.shape[1]):
        cov[i:, i] = cov[i, i:] = data[:, i] @ data[:, i:] / (data.shape[0] - 1.0)
    return cov


@program(lambda r: (r.random((200, 120)),))
def correlation(data):
    mean, std = np.mean(data, axis=0), np.std(data, axis=0)
    std[std <= 0.1] = 1.0
    data -= mean
    data /= np.sqrt(data.shape[0]) * std
    corr = np.eye(data.shape[1])
    for i in range(data.shape[1] - 1):
        corr[i + 1 :, i] = corr[i, i + 1 :] = data[:, i] @ data[:, i + 1 :]
    return corr


@program(lambda r: (r.random((20, 22, 24)), r.random((24, 24))))
def doitgen(A, C4):
    for r in range(A.shape[0]):
        for q in range(A.shape[1]):
            A[r, q, :] = A[r, q, :] @ C4


@program(lambda r: (r.random((60, 60)), r.random((60, 60))))
def matmul_loops(A, B):
    n, m, k = A.shape[0], B.shape[1], A.shape[1]
    C = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            for p in range(k):
                C[i, j] += A[i, p] * B[p, j]
    return C


def csr(r, n, each):
    pointers = np.arange(0, n * each + 1, each)
    return pointers, r.integers(0, n, n * each), r.random(n * each), r.random(n)


@program(lambda r: csr(r, 2000, 8))
def spmv(pointers, columns, values, x):
    y = np.empty(pointers.size - 1, values.dtype)
    for i in range(pointers.size - 1):
        cols = columns[pointers[i] : pointers[i + 1]]
        vals = values[pointers[i] : pointers[i + 1]]
        y[i] = vals @ x[cols]
    return y


@program(lambda r: (positive(r, 200), 60))
def power_iteration(A, steps):
    x = np.ones(A.shape[0])
    value = 0.0
    for _ in range(steps):
        y = A @ x
        value = np.linalg.norm(y)
        x = y / value
    return value, x


# -- dynamic programmes, scalars, integers -----------------------------------------------------------


@program(lambda r: (r.integers(0, 4, 60),))
def nussinov(seq):
    n = len(seq)
    table = np.zeros((n, n), np.int64)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            if j - 1 >= 0:
                table[i, j] = max(table[i, j], table[i, j - 1])
            if i + 1 < n:
                table[i, j] = max(table[i, j], table[i + 1, j])
            if j - 1 >= 0 and i + 1 < n:
                if i < j - 1:
                    match = 1 if seq[i] + seq[j] == 3 else 0
                    table[i, j] = max(table[i, j], table[i + 1, j - 1] + match)
                else:
                    table[i, j] = max(table[i, j], table[i + 1, j - 1])
            for k in range(i + 1, j):
                table[i, j] = max(table[i, j], table[i, k] + table[k + 1, j])
    return table


@program(lambda r: (r.integers(1, 100, (80, 80)),))
def floyd_warshall(path):
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], np.add.outer(path[:, k], path[k, :]))


@program(lambda r: (r.integers(0, 256, 4000).astype(np.uint8),))
def crc16(data, poly=0x8408):
    crc = 0xFFFF
    for b in data:
        cur = 0xFF & b
        for _ in range(8):
            if (crc & 0x0001) ^ (cur & 0x0001):
                crc = (crc >> 1) ^ poly
            else:
                crc >>= 1
            cur >>= 1
    crc = ~crc & 0xFFFF
    crc = (crc << 8) | ((crc >> 8) & 0xFF)
    return crc & 0xFFFF


@program(lambda r: (r.random(300),))
def insertion_sort(x):
    for i in range(1, len(x)):
        key = x[i]
        j = i - 1
        while j >= 0 and x[j] > key:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = key


@program(lambda r: (20000,))
def sieve(n):
    prime = np.ones(n + 1, dtype=bool)
    prime[:2] = False
    for i in range(2, int(n**0.5) + 1):
        if prime[i]:
            prime[i * i :: i] = False
    return np.flatnonzero(prime)


@program(lambda r: (8,))
def n_queens(n):
    count = 0
    rows = np.zeros(n, np.int64)
    k = 0
    rows[0] = -1
    while k >= 0:
        rows[k] += 1
        if rows[k] == n:
            k -= 1
            continue
        ok = True
        for i in range(k):
            if rows[i] == rows[k] or abs(rows[i] - rows[k]) == k - i:
                ok = False
                break
        if not ok:
            continue
        if k == n - 1:
            count += 1
        else:
            k += 1
            rows[k] = -1
    return count


@program(lambda r: (r.random((200, 200)),))
def go_fast(a):
    trace = 0.0
    for i in range(a.shape[0]):
        trace += np.tanh(a[i, i])
    return a + trace


@program(lambda r: (r.integers(0, 50, 40), r.integers(0, 50, 45)))
def edit_distance(a, b):
    d = np.zeros((len(a) + 1, len(b) + 1), np.int64)
    for i in range(len(a) + 1):
        d[i, 0] = i
    for j in range(len(b) + 1):
        d[0, j] = j
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            cost = 0 if a[i - 1] == b[j - 1] else 1
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + cost)
    return d[-1, -1]


# -- images, signals, fractals -----------------------------------------------------------------------


@program(lambda r: (-1.75, 0.25, 120, -1.0, 1.0, 120, 60, 2.0))
def mandelbrot_masks(xmin, xmax, xn, ymin, ymax, yn, limit, horizon):
    X = np.linspace(xmin, xmax, xn)
    Y = np.linspace(ymin, ymax, yn)
    C = X + Y[:, None] * 1j
    N = np.zeros(C.shape, dtype=np.int64)
    Z = np.zeros(C.shape, dtype=np.complex128)
    for n in range(limit):
        inside = np.less(abs(Z), horizon)
        N[inside] = n
        Z[inside] = Z[inside] ** 2 + C[inside]
    N[limit - 1 == N] = 0
    return Z, N


@program(lambda r: (100, 80, 50))
def julia(width, height, limit):
    out = np.zeros((height, width), np.int64)
    for i in range(height):
        for j in range(width):
            z = complex(-1.5 + 3.0 * j / width, -1.0 + 2.0 * i / height)
            n = 0
            while abs(z) < 2.0 and n < limit:
                z = z * z + complex(-0.8, 0.156)
                n += 1
            out[i, j] = n
    return out


@program(lambda r: (r.random((4, 30, 30, 3)), r.random((5, 5, 3, 8)), r.random(8)))
def conv2d_bias(images, weights, bias):
    K = weights.shape[0]
    N, H, W = images.shape[0], images.shape[1] - K + 1, images.shape[2] - K + 1
    out = np.empty((N, H, W, weights.shape[3]))
    for i in range(H):
        for j in range(W):
            out[:, i, j, :] = np.sum(
                images[:, i : i + K, j : j + K, :, np.newaxis] * weights[np.newaxis, :, :, :], axis=(1, 2, 3)
            )
    return out + bias


@program(lambda r: (0.25, r.random((120, 100))))
def deriche(alpha, image):
    k = (1 - np.exp(-alpha)) * (1 - np.exp(-alpha)) / (1 + 2 * alpha * np.exp(-alpha) - np.exp(2 * alpha))
    a1, a2 = k, k * np.exp(-alpha) * (alpha - 1)
    a3, a4 = k * np.exp(-alpha) * (alpha + 1), -k * np.exp(-2 * alpha)
    b1, b2 = 2 ** (-alpha), -np.exp(-2 * alpha)
    y1, y2 = np.empty_like(image), np.empty_like(image)
    y1[:, 0] = a1 * image[:, 0]
    y1[:, 1] = a1 * image[:, 1] + a2 * image[:, 0] + b1 * y1[:, 0]
    for j in range(2, image.shape[1]):
        y1[:, j] = a1 * image[:, j] + a2 * image[:, j - 1] + b1 * y1[:, j - 1] + b2 * y1[:, j - 2]
    y2[:, -1] = 0.0
    y2[:, -2] = a3 * image[:, -1]
    for j in range(image.shape[1] - 3, -1, -1):
        y2[:, j] = a3 * image[:, j + 1] + a4 * image[:, j + 2] + b1 * y2[:, j + 1] + b2 * y2[:, j + 2]
    return y1 + y2


@program(lambda r: (r.random((150, 150)),))
def harris(image):
    m, n = image.shape
    dx = (image[1:, :] - image[: m - 1, :])[:, 1:]
    dy = (image[:, 1:] - image[:, : n - 1])[1:, :]
    A, B, C = dx * dx, dy * dy, dx * dy
    tr = A + B
    det = A * B - C * C
    return det - 0.04 * tr * tr


@program(lambda r: (r.random((40, 40)),))
def bilateral_loops(image):
    out = np.zeros_like(image)
    for i in range(2, image.shape[0] - 2):
        for j in range(2, image.shape[1] - 2):
            total, weights = 0.0, 0.0
            for di in range(-2, 3):
                for dj in range(-2, 3):
                    value = image[i + di, j + dj]
                    near = math.exp(-(di * di + dj * dj) / 8.0 - (value - image[i, j]) ** 2 / 0.02)
                    total += near * value
                    weights += near
            out[i, j] = total / weights
    return out


@program(lambda r: (r.random(20000), r.random(15)))
def smoothing(x, taps):
    out = np.zeros_like(x)
    for k in range(len(taps)):
        out[k:] += taps[k] * x[: len(x) - k]
    return out


@program(lambda r: (r.random(100000) * 4.0, r.random(100000), 50))
def azimint_naive(radius, data, bins):
    rmax = radius.max()
    out = np.zeros(bins)
    for i in range(bins):
        lo, hi = rmax * i / bins, rmax * (i + 1) / bins
        inside = np.logical_and(lo <= radius, radius < hi)
        out[i] = data[inside].mean()
    return out


@program(lambda r: (r.random(100000) * 4.0, r.random(100000), 50))
def azimint_hist(radius, data, bins):
    counted = np.histogram(radius, bins)[0]
    weighted = np.histogram(radius, bins, weights=data)[0]
    return weighted / counted


@program(lambda r: (3, 6, r.random(3**6) + 1j * r.random(3**6)))
def stockham_fft(radix, depth, x):
    n = radix**depth
    i, j = np.mgrid[0:radix, 0:radix]
    dft = np.exp(-2.0j * np.pi * i * j / radix)
    y = x.reshape(radix ** (depth - 1), radix).T.copy().reshape(n) * 0 + x
    for level in range(depth):
        y = np.reshape(y, (radix**level, radix, radix ** (depth - level - 1)))
        p = np.arange(radix**level)
        twist = np.exp(-2.0j * np.pi * p[:, None] * np.arange(radix)[None, :] / radix ** (level + 1))
        y = np.einsum("ij,pjr->ipr", dft, y * twist[:, :, None])
        y = np.reshape(y, n)
    return y


# -- whole arrays ------------------------------------------------------------------------------------


@program(lambda r: tuple(r.random(100000) for _ in range(4)))
def arc_distance(theta_1, phi_1, theta_2, phi_2):
    t = (
        np.sin((theta_2 - theta_1) / 2) ** 2
        + np.cos(theta_1) * np.cos(theta_2) * np.sin((phi_2 - phi_1) / 2) ** 2
    )
    return 2 * np.arctan2(np.sqrt(t), np.sqrt(1 - t))


@program(lambda r: (r.random((16, 8, 64, 64)).astype(np.float32),))
def softmax(x):
    shifted = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return shifted / np.sum(shifted, axis=-1, keepdims=True)


@program(
    lambda r: (
        r.random((60, 150)),
        *(r.standard_normal(s) for s in [(150, 200), 200, (200, 80), 80, (80, 10), 10]),
    )
)
def mlp(x, w1, b1, w2, b2, w3, b3):
    x = np.maximum(x @ w1 + b1, 0)
    x = np.maximum(x @ w2 + b2, 0)
    x = x @ w3 + b3
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@program(lambda r: (r.random((60, 3)) * 4, r.random((60, 3)), r.random((60, 1)) + 0.5, 0.01, 15))
def nbody(pos, vel, mass, dt, steps):
    vel -= np.mean(mass * vel, axis=0) / np.mean(mass)
    for _ in range(steps):
        x, y, z = pos[:, 0:1], pos[:, 1:2], pos[:, 2:3]
        dx, dy, dz = x.T - x, y.T - y, z.T - z
        inv = dx**2 + dy**2 + dz**2 + 0.01
        mask = inv > 0
        inv[mask] = inv[mask] ** (-1.5)
        acc = np.hstack(((dx * inv) @ mass, (dy * inv) @ mass, (dz * inv) @ mass))
        vel += acc * dt
        pos += vel * dt
    return pos


@program(lambda r: (r.random((400, 6)), r.random((12, 6))))
def kmeans_step(points, centres):
    distance = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    nearest = distance.argmin(axis=1)
    new = np.zeros_like(centres)
    for k in range(centres.shape[0]):
        new[k] = points[nearest == k].mean(axis=0)
    return new


@program(lambda r: (r.random((120, 30)), r.random((100, 30))))
def pairwise(X, Y):
    return np.sqrt(((X[:, None, :] - Y[None, :, :]) ** 2).sum(axis=-1))


@program(lambda r: (r.random((60, 10)),))
def pairwise_loops(X):
    n, m = X.shape
    D = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(m):
                diff = X[i, k] - X[j, k]
                total += diff * diff
            D[i, j] = np.sqrt(total)
    return D


@program(lambda r: (r.standard_normal(50000), 0.3, 1.2))
def log_likelihood(x, mu, sigma):
    return np.sum(-0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi))


@program(lambda r: (r.random(20000) * 3,))
def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@program(lambda r: (r.random((300, 40)),))
def cronbach(scores):
    variances = scores.var(axis=1, ddof=1)
    total = scores.sum(axis=0)
    n = len(scores)
    return n / (n - 1.0) * (1 - variances.sum() / total.var(ddof=1))


@program(lambda r: (r.random(20000), r.random(20000)))
def lstsqr(x, y):
    xm, ym = x.mean(), y.mean()
    dx, dy = x - xm, y - ym
    slope = (dx * dy).sum() / (dx**2).sum()
    return slope, ym - slope * xm


@program(lambda r: (r.random((100, 1000)),))
def l2norm(x):
    return np.sqrt(np.sum(np.abs(x) ** 2, axis=1))


@program(lambda r: (r.random((3000, 12)),))
def reverse_cumsum(x):
    return np.cumsum(x[::-1], axis=0)[::-1]


@program(lambda r: (r.integers(0, 2, (5000, 8)).astype(bool), r.integers(0, 2, 8).astype(bool)))
def check_mask(db, mask):
    out = np.zeros(db.shape[0], dtype=bool)
    for i, line in enumerate(db):
        out[i] = (line & mask).any()
    return out


@program(lambda r: (np.sort(r.integers(0, 300, 20000)),))
def grouping(values):
    change = np.concatenate(([1], np.diff(values)))
    starts = np.where(change)[0]
    return np.concatenate((np.diff(starts), [len(values) - starts[-1]]))


@program(lambda r: (r.random((30, 3)) * 5, 2.0, 5.0))
def lennard_jones(pos, cutoff, box):
    energy = 0.0
    forces = np.zeros_like(pos)
    for i in range(len(pos) - 1):
        d = pos[i + 1 :] - pos[i]
        d = d - box * np.round(d / box)
        r2 = np.sum(d * d, axis=1)
        near = r2 < cutoff**2
        inv6 = np.where(near, 1.0 / r2**3, 0.0)
        energy += np.sum(4 * inv6 * (inv6 - 1))
        pull = (48 * inv6 * (inv6 - 0.5) / r2)[:, None] * d
        forces[i] -= pull.sum(axis=0)
        forces[i + 1 :] += pull
    return energy, forces


@program(
    lambda r: (
        r.random((3, 50, 50)) + 1j * r.random((3, 50, 50)),
        r.random(20) + 1j * r.random(20),
        r.random((50, 4)),
    )
)
def contour_integral(Ham, points, Y):
    P0 = np.zeros(Y.shape, dtype=np.complex128)
    P1 = np.zeros(Y.shape, dtype=np.complex128)
    for z in points:
        T = np.zeros(Ham.shape[1:], dtype=np.complex128)
        for n in range(Ham.shape[0]):
            T = T + z ** (n - 1) * Ham[n]
        X = np.linalg.solve(T, Y)
        if abs(z) < 1.0:
            X = -X
        P0 += X
        P1 += z * X
    return P0, P1


# -- measuring ---------------------------------------------------------------------------------------


def agrees(found: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return len(found) == len(expected) and all(map(agrees, found, expected))
    if expected is None or not isinstance(expected, np.ndarray | np.generic | int | float | complex):
        return bool(found == expected)
    wanted = np.asarray(expected)
    tolerance = 1e-5 if wanted.dtype in (np.float32, np.complex64) else 1e-8
    return bool(np.allclose(found, wanted, rtol=tolerance, atol=1e-10, equal_nan=True))


def timed(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    own = tuple(a.copy() if isinstance(a, np.ndarray) else a for a in arguments)
    start = time.perf_counter()
    function(*own)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--numba", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    ratios: dict[str, list[float]] = {"plain": [], "numba": []}
    print(f"{'program':22}{'lazy ms':>10}{'plain/lazy':>12}{'numba/lazy':>12}")
    for name, (function, make) in PROGRAMS.items():
        if options.names and name not in options.names:
            continue
        peers = {"plain": function, "lazy": lazy.jit(function)}
        if options.numba:
            import numba

            peers["numba"] = numba.njit(function)
        arguments = make(np.random.default_rng(7))
        given = copy.deepcopy(arguments)
        expected = (function(*given), given)
        for peer in ["lazy", "numba"]:
            if peer not in peers:
                continue
            mine = copy.deepcopy(arguments)
            try:
                found = (peers[peer](*mine), mine)
            except Exception as error:  # numba takes less of NumPy
                assert peer == "numba", error
                del peers[peer]
                continue
            if not agrees(found, expected):
                print(f"{name}: {peer} differs")
        times = dict.fromkeys(peers, math.inf)
        end = time.perf_counter() + options.seconds
        while True:
            for peer, call in peers.items():
                times[peer] = min(times[peer], timed(call, arguments))
            if time.perf_counter() > end:
                break
        shown = ""
        for peer in ["plain", "numba"]:
            if peer in times:
                ratios[peer].append(times[peer] / times["lazy"])
                shown += f"{ratios[peer][-1]:12.2f}"
        print(f"{name:22}{times['lazy'] * 1e3:10.3f}{shown}", flush=True)
    for peer, found in ratios.items():
        if found:
            mean = np.exp(np.mean(np.log(found)))
            slower = sum(ratio < 0.95 for ratio in found)
            middle = np.median(found)
            print(
                f"{peer}: median {middle:.2f}, geometric mean {mean:.2f}, slower in {slower} of {len(found)}"
            )


if __name__ == "__main__":
    main()
