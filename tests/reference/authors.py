"""alignDRAW as the authors' code computes it: their arrays, a batch at a time, planar images.

Words are read by both LSTMs from the left, the second over the batch in reverse. Images are rows
[B, C * S * S] of S x S, channel by channel.
"""

import numpy as np

from tests.reference import attention
from tests.reference.caption import lstm, lstm_step, sigmoid


def shapes(*, words, lang, align, enc, dec, z, read, write, side, channels):
    """The names and shapes of the authors' arrays."""
    patch, patches = channels * write**2, 2 * channels * read**2
    return {
        "W_y_hLangEnc": (words, 4 * lang),
        "W_hLangEnc_hLangEnc": (lang, 4 * lang),
        "b_hLangEnc": (4 * lang,),
        "W_yRev_hLangEncRev": (words, 4 * lang),
        "W_hLangEncRev_hLangEncRev": (lang, 4 * lang),
        "b_hLangEncRev": (4 * lang,),
        "W_lang_align": (2 * lang, align),
        "W_hdec_align": (dec, align),
        "b_align": (align,),
        "v_align": (align,),
        "W_s_hdec": (2 * lang, 4 * dec),
        "W_hdec_read_attent": (dec, 5),
        "b_read_attent": (5,),
        "W_henc_henc": (enc, 4 * enc),
        "W_inp_henc": (patches + dec, 4 * enc),
        "b_henc": (4 * enc,),
        "W_henc_mu": (enc, z),
        "W_henc_logsigma": (enc, z),
        "b_mu": (z,),
        "b_logsigma": (z,),
        "W_hdec_hdec": (dec, 4 * dec),
        "W_z_hdec": (z, 4 * dec),
        "b_hdec": (4 * dec,),
        "W_hdec_write_attent": (dec, 5),
        "b_write_attent": (5,),
        "W_hdec_c": (dec, patch),
        "b_c": (patch,),
        "W_hdec_mu_and_logsigma_prior": (dec, 2 * z),
        "b_mu_and_logsigma_prior": (2 * z,),
        "h0_lang": (1, lang),
        "h0_enc": (1, enc),
        "h0_dec": (1, dec),
        "c0": (1, channels * side**2),
    }


def make_weights(seed=0, scale=0.3, **sizes):
    """Random arrays of the authors' names and shapes, all far from zero, float32."""
    random = np.random.default_rng(seed)
    return {
        name: np.float32(scale * random.standard_normal(shape))
        for name, shape in shapes(**sizes).items()
    }


def read_captions(w, captions):
    """States [B, N, 2L] of captions [B, N], without padding; the batch as the code reverses it."""
    tables = w["W_y_hLangEnc"], w["W_yRev_hLangEncRev"]
    identity, initial = np.eye(tables[0].shape[1]), w["h0_lang"][0]
    first = identity, w["W_hLangEnc_hLangEnc"], w["b_hLangEnc"]
    second = identity, w["W_hLangEncRev_hLangEncRev"], w["b_hLangEncRev"]
    return [
        np.concatenate(
            [lstm(tables[0][words], first, initial), lstm(tables[1][reverse], second, initial)],
            axis=-1,
        )
        for words, reverse in zip(captions, captions[::-1], strict=True)
    ]


def exact(w):
    return {name: array.astype(float) for name, array in w.items()}


def attend(w, states, h_dec):
    """s of one caption [N, 2L]."""
    compared = np.tanh(states @ w["W_lang_align"] + h_dec @ w["W_hdec_align"] + w["b_align"])
    e = compared @ w["v_align"]
    alpha = np.exp(e) / np.exp(e).sum()
    return alpha @ states


def planes(w, image):
    """A planar image [C, S, S]."""
    side, channels = size_of(w)
    return image.reshape(channels, side, side)


def size_of(w):
    values = w["c0"].size
    for channels in (3, 1):
        side = round((values / channels) ** 0.5)
        if channels * side**2 == values:
            return side, channels
    raise ValueError(values)


def draw_patch(w, h_dec):
    """What a step adds to the canvas, planar."""
    side, channels = size_of(w)
    patch = (h_dec @ w["W_hdec_c"] + w["b_c"]).reshape(channels, -1)
    size = round(patch.shape[1] ** 0.5)
    five = h_dec @ w["W_hdec_write_attent"] + w["b_write_attent"]
    window = attention.window(five, side, side, size, authors=True)
    banks = attention.filterbanks(window, size, side, side)
    written = [attention.write(plane.reshape(size, size, 1), *banks)[..., 0] for plane in patch]
    return np.concatenate([plane.ravel() for plane in written]) / window.intensity


def prior(w, h_dec):
    both = np.tanh(h_dec @ w["W_hdec_mu_and_logsigma_prior"] + w["b_mu_and_logsigma_prior"])
    return np.split(both, 2)


def decode(w, states, z, h_dec, c_dec):
    inputs = np.concatenate([z, attend(w, states, h_dec)])
    kernel = np.concatenate([w["W_z_hdec"], w["W_s_hdec"]])
    return lstm_step(inputs, h_dec, c_dec, kernel, w["W_hdec_hdec"], w["b_hdec"])


def generate(w, captions, noise):
    """Canvases in [0, 1], planar: [T, B, X] for captions [B, N] and noise [T, B, Z]."""
    w, drawn = exact(w), []
    for states, eps in zip(read_captions(w, captions), noise.swapaxes(0, 1), strict=True):
        canvas, h_dec, c_dec = w["c0"][0], w["h0_dec"][0], np.zeros_like(w["h0_dec"][0])
        mean = log_sigma = np.zeros(noise.shape[-1])
        canvases = []
        for eps_t in eps:
            z = mean + np.exp(log_sigma) * eps_t
            h_dec, c_dec = decode(w, states, z, h_dec, c_dec)
            mean, log_sigma = prior(w, h_dec)
            canvas = canvas + draw_patch(w, h_dec)
            canvases.append(sigmoid(canvas))
        drawn.append(canvases)
    return np.array(drawn).swapaxes(0, 1)


def look(w, image, h_dec):
    """The patch of a planar image and the factor on it."""
    side, channels = size_of(w)
    size = round(((len(w["W_inp_henc"]) - len(h_dec)) / (2 * channels)) ** 0.5)
    five = h_dec @ w["W_hdec_read_attent"] + w["b_read_attent"]
    window = attention.window(five, side, side, size, authors=True)
    banks = attention.filterbanks(window, size, side, side)
    read = [attention.read(plane[..., None], *banks).ravel() for plane in planes(w, image)]
    return window.intensity * np.concatenate(read)


def bound(w, images, captions, noise):
    """-log p(x | z, y) and the KL, nats, [B] each, for planar images [B, X]."""
    w, results = exact(w), []
    eps = noise.swapaxes(0, 1)
    for image, states, eps_b in zip(images, read_captions(w, captions), eps, strict=True):
        canvas, h_dec, h_enc = w["c0"][0], w["h0_dec"][0], w["h0_enc"][0]
        c_dec, c_enc = np.zeros_like(h_dec), np.zeros_like(h_enc)
        prior_mean = prior_log_sigma = np.zeros(noise.shape[-1])
        kl = 0.0
        for eps_t in eps_b:
            seen = [look(w, one, h_dec) for one in (image, image - sigmoid(canvas))]
            inputs = np.concatenate([*seen, h_dec])
            h_enc, c_enc = lstm_step(
                inputs, h_enc, c_enc, w["W_inp_henc"], w["W_henc_henc"], w["b_henc"]
            )
            mean = h_enc @ w["W_henc_mu"] + w["b_mu"]
            log_sigma = 0.5 * (h_enc @ w["W_henc_logsigma"] + w["b_logsigma"])
            variances = (mean - prior_mean) ** 2 + np.exp(2 * log_sigma)
            logs = 2 * (prior_log_sigma - log_sigma)
            kl += 0.5 * np.sum(-1 + variances / np.exp(2 * prior_log_sigma) + logs)
            z = mean + np.exp(log_sigma) * eps_t
            h_dec, c_dec = decode(w, states, z, h_dec, c_dec)
            prior_mean, prior_log_sigma = prior(w, h_dec)
            canvas = canvas + draw_patch(w, h_dec)
        p = sigmoid(canvas)
        results.append((-np.sum(image * np.log(p) + (1 - image) * np.log(1 - p)), kl))
    return np.array(results).T
