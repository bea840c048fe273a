"""A translator of toy sequences: encoder, attention, teacher forcing, greedy decoding."""

import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim

SOS, EOS, VOCABULARY, HIDDEN = 0, 1, 8, 12
rng = np.random.RandomState(7)
random.seed(7)
pairs = [list(rng.randint(2, VOCABULARY, rng.randint(2, 5))) for _ in range(30)]
pairs = [(s + [EOS], s[::-1] + [EOS]) for s in pairs]


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size, dropout_p=0.0):
        super(EncoderRNN, self).__init__()
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout_p)

    def forward(self, input):
        embedded = self.dropout(self.embedding(input))
        output, hidden = self.gru(embedded)
        return output, hidden


class BahdanauAttention(nn.Module):
    def __init__(self, hidden_size):
        super(BahdanauAttention, self).__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)

    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        scores = scores.squeeze(2).unsqueeze(1)
        weights = F.softmax(scores, dim=-1)
        context = torch.bmm(weights, keys)
        return context, weights


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super(AttnDecoderRNN, self).__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attention = BahdanauAttention(hidden_size)
        self.gru = nn.GRU(2 * hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, encoder_outputs, encoder_hidden, target=None, length=6):
        decoder_input = torch.empty(1, 1, dtype=torch.long).fill_(SOS)
        hidden, outputs = encoder_hidden, []
        for i in range(length if target is None else target.size(1)):
            query = hidden.permute(1, 0, 2)
            context, _ = self.attention(query, encoder_outputs)
            step = torch.cat((self.embedding(decoder_input), context), dim=2)
            output, hidden = self.gru(step, hidden)
            outputs.append(self.out(output))
            if target is not None:
                decoder_input = target[:, i].unsqueeze(1)
            else:
                _, topi = outputs[-1].topk(1)
                decoder_input = topi.squeeze(-1).detach()
        return F.log_softmax(torch.cat(outputs, dim=1), dim=-1)


encoder, decoder = EncoderRNN(VOCABULARY, HIDDEN), AttnDecoderRNN(HIDDEN, VOCABULARY)
for p in [*encoder.parameters(), *decoder.parameters()]:
    p.data.copy_(torch.from_numpy(0.3 * rng.randn(*p.shape)))
encoder_optimizer = optim.Adam(encoder.parameters(), lr=0.01)
decoder_optimizer = optim.Adam(decoder.parameters(), lr=0.01)
criterion = nn.NLLLoss()
losses = []
for step in range(15):
    source, target = pairs[step % len(pairs)]
    source, target = torch.tensor([source]), torch.tensor([target])
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    outputs, hidden = encoder(source)
    forced = target if random.random() < 0.7 else None
    scores = decoder(outputs, hidden, forced, length=target.size(1))
    loss = criterion(scores.view(-1, scores.size(-1)), target.view(-1))
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    losses.append(loss.item())
