"""The ViT as timm computes it: LayerNorm, fused attention (SDPA), GELU by erf. Weights by timm's names."""

import torch
import torch.nn.functional as F

Weights = dict[str, torch.Tensor]


class Vit:
    def __init__(self, weights: Weights, depth: int, heads: int, epsilon: float):
        self.weights, self.depth, self.heads, self.epsilon = weights, depth, heads, epsilon

    def norm(self, name: str, x):
        w = self.weights
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], self.epsilon)

    def linear(self, name: str, x):
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def embed(self, pixels):
        """[B, C, S, S] to [B, T, D]"""
        w = self.weights
        kernel = w["patch_embed.proj.weight"]
        patches = F.conv2d(pixels, kernel, w["patch_embed.proj.bias"], stride=kernel.shape[-1])
        patches = patches.flatten(2).transpose(1, 2)
        first = w["cls_token"].expand(patches.shape[0], -1, -1)
        return torch.cat([first, patches], 1) + w["pos_embed"]

    def mix(self, block: int, x):
        """The residual stream after the attention."""
        name = f"blocks.{block}"
        images, tokens, width = x.shape
        qkv = self.linear(f"{name}.attn.qkv", self.norm(f"{name}.norm1", x))
        q, k, v = qkv.reshape(images, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        heads = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(images, tokens, width)
        return x + self.linear(f"{name}.attn.proj", heads)

    def mix_first(self, block: int, x):
        """As `mix`, of the class token alone [B, 1, D]: all that the head reads of the last block."""
        name = f"blocks.{block}"
        images, tokens, width = x.shape
        z = self.norm(f"{name}.norm1", x)
        kernel, bias = self.weights[f"{name}.attn.qkv.weight"], self.weights[f"{name}.attn.qkv.bias"]
        q = F.linear(z[:, :1], kernel[:width], bias[:width]).reshape(images, 1, self.heads, -1).transpose(1, 2)
        kv = F.linear(z, kernel[width:], bias[width:])
        k, v = kv.reshape(images, tokens, 2, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        heads = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(images, 1, width)
        return x[:, :1] + self.linear(f"{name}.attn.proj", heads)

    def ffn_of(self, block: int):
        """The block's own parameters: fc1 and fc2, weight and bias."""
        parts = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
        return tuple(self.weights[f"blocks.{block}.mlp.{part}"] for part in parts)

    def ffn_input(self, block: int, mixed):
        return self.norm(f"blocks.{block}.norm2", mixed)

    def ffn(self, block: int, mixed, parameters=None):
        """The residual stream after the FFN, the block's own or the one given."""
        w1, b1, w2, b2 = parameters or self.ffn_of(block)
        z = self.ffn_input(block, mixed)
        return mixed + F.linear(F.gelu(F.linear(z, w1, b1)), w2, b2)

    def head(self, x):
        return self.linear("head", self.norm("norm", x[:, 0]))

    def forward(self, pixels, exchanged=None):
        """Logits; `exchanged` has FFN parameters by block."""
        x = self.embed(pixels)
        for block in range(self.depth):
            x = self.ffn(block, self.mix(block, x), (exchanged or {}).get(block))
        return self.head(x)
